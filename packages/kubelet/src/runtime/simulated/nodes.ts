/**
 * Thousands of nodes in one process: one runtime, one watch of pods and one of nodes for all of them, leases renewed one
 * after the other, and for each node what its identity takes: a client and the workers of its pods.
 */
import type { Node, Pod, Taint } from '@keelson/api/generated/types/core/v1';
import { type Client, InformerFactory, withoutManagedFields } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import { type Assembly, assemble, viewOf } from '../../assembly.ts';
import { limiter } from '../../limit.ts';
import { NodeAgent } from '../../node/agent.ts';
import type { NodeConfiguration, NodeFacts } from '../../node/description.ts';
import type { Machine } from '../../node/machine.ts';
import { uidOf } from '../../pods/spec.ts';
import type { ServerFactory } from '../../view.ts';
import { SharedEvents } from './events.ts';
import { SimulatedPreparer } from './preparer.ts';
import { simulatedProbes } from './probes.ts';
import { SimulatedRuntime } from './runtime.ts';

export interface SimulatedNodesOptions {
  /** Reads all pods and nodes. */
  readonly client: Client;
  /**
   * Acts as `system:node:NAME` of `system:nodes`. It should share the connections of others: a client that impersonates is
   * two headers.
   */
  clientFor(nodeName: string): Client;
  /** Nodes `PREFIX0` to `PREFIXn`. */
  readonly count: number;
  readonly namePrefix?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly taints?: readonly Taint[] | undefined;
  /** Beside 8 CPUs, 32 Gi of memory and 100 Gi of storage, or in their place. */
  readonly capacity?: Readonly<Record<string, string>> | undefined;
  readonly maxPods?: number | undefined;
  /** By which they are reached. */
  readonly address?: string | undefined;
  /** One for all of them. */
  readonly server?: ServerFactory | undefined;
  readonly leaseMs?: number | undefined;
  /** A real one's, for a node that stands in for it; nothing else than its lease is. */
  readonly machine?: Partial<Machine> | undefined;
}

/** On nodes that are none. */
export const SIMULATED = 'keelson.dev/simulated';

/** So that thousands renew without effort: well below the 50 s after which a node counts as lost. */
const LEASE_MS = 20_000;
const LEASE_SECONDS = 40;
const REPORT_MS = 300_000;
/** Below what an API server lets through at once. */
const CALLS_AT_ONCE = 64;
const GI = 2 ** 30;

const MACHINE: Machine = {
  cpus: 8,
  memoryBytes: 32 * GI,
  storageBytes: 100 * GI,
  machineId: '',
  systemUuid: '',
  bootId: '',
  kernel: '',
  osImage: 'Keelson simulation',
  os: 'linux',
  architecture: 'amd64',
  swapBytes: 0,
};

interface SimulatedNode {
  readonly name: string;
  readonly assembly: Assembly;
  readonly agent: NodeAgent;
}

/** Resolves when all nodes are registered and ready. */
export async function startSimulatedNodes(options: SimulatedNodesOptions): Promise<Running> {
  const { client, count, namePrefix = 'simulated-', address = '127.0.0.1' } = options;
  const { world } = client;
  const runtime = new SimulatedRuntime(world.clock);
  const events = new SharedEvents();
  const limit = limiter(CALLS_AT_ONCE);
  const nodes = new Map<string, SimulatedNode>();
  const facts: NodeFacts = {
    machine: { ...MACHINE, ...options.machine },
    version: await runtime.version(),
    runtime: await runtime.status(),
    images: [],
    notReady: undefined,
  };
  const informers = new InformerFactory(client);
  const pods = informers.informer('pods', { transform: withoutManagedFields });
  const seen = informers.informer('nodes', { labelSelector: `${SIMULATED}=true`, transform: withoutManagedFields });
  const server = await options.server?.(viewOfAll(nodes, () => [...nodes.values()][0]!));

  for (let i = 0; i < count; i++) {
    const name = `${namePrefix}${i}`;
    const own = options.clientFor(name);
    const recorder = events.recorder(own, name);
    const configuration: NodeConfiguration = {
      name,
      hostname: name,
      addresses: [address],
      labels: { [SIMULATED]: 'true', ...options.labels },
      annotations: { [SIMULATED]: 'true', ...options.annotations },
      taints: options.taints ?? [],
      maxPods: options.maxPods ?? 110,
      providerId: '',
      reserved: {},
      capacity: options.capacity ?? {},
      serverPort: server?.port ?? 0,
    };
    const agent: NodeAgent = new NodeAgent({
      client: own,
      recorder,
      configuration,
      facts: () => Promise.resolve(facts),
      seen: () => {},
      // Nothing changes by itself.
      statusMs: REPORT_MS,
      reportMs: REPORT_MS,
      leaseMs: options.leaseMs ?? LEASE_MS,
      leaseSeconds: LEASE_SECONDS,
      limit,
    });
    const assembly = assemble({
      client: own,
      recorder,
      runtime,
      runtimeName: facts.version.name,
      preparer: new SimulatedPreparer(),
      probes: simulatedProbes(runtime),
      hooks: { run: () => Promise.resolve() },
      images: { credentials: () => Promise.resolve([]), serialize: false },
      crashBackoff: {},
      recursiveReadOnly: true,
      hostIps: () => [address],
      networkProblem: () => undefined,
      resyncMs: 0,
      node: () => agent.node,
      limit,
    });
    nodes.set(name, { name, assembly, agent });
  }

  const owners = new Map<string, Assembly>();
  const of = ({ spec }: Pod) => (spec?.nodeName ? nodes.get(spec.nodeName)?.assembly : undefined);
  const put = (pod: Pod) => {
    const owner = of(pod);
    if (!owner) return;
    owners.set(uidOf(pod), owner);
    owner.manager.put(pod);
  };
  pods.addHandler({
    added: put,
    updated: (_old, pod) => put(pod),
    deleted: (pod) => of(pod)?.manager.remove(pod),
  });
  seen.addHandler({
    added: (node: Node) => nodes.get(node.metadata.name!)?.agent.observe(node),
    updated: (_old, node) => nodes.get(node.metadata.name!)?.agent.observe(node),
  });
  const unsubscribe = runtime.subscribe((uid) => {
    const owner = owners.get(uid);
    if (!owner) return;
    owner.manager.wake(uid);
    // The last that is told of a pod is that nothing of it is left.
    if (!owner.manager.get(uid) && !owner.manager.worker(uid)) owners.delete(uid);
  });
  // A node is there before its pods are looked at: whether they are admitted depends on it.
  await Promise.all(Array.from(nodes.values(), ({ agent }) => agent.start()));
  informers.start();
  await informers.synced();

  const { promise: done, resolve } = Promise.withResolvers<void>();
  return {
    done,
    stop: async () => {
      unsubscribe();
      for (const { assembly, agent } of nodes.values()) {
        agent.stop();
        assembly.stop();
      }
      events.stop();
      await Promise.all([informers.stop(), server?.stop(), runtime.close()]);
      resolve();
    },
  };
}

function viewOfAll(nodes: ReadonlyMap<string, SimulatedNode>, first: () => SimulatedNode) {
  const all = () => Array.from(nodes.values(), ({ assembly }) => assembly.manager);
  const manager = {
    pods: () => all().flatMap((each) => each.pods()),
    pod: (namespace: string, name: string, uid?: string) => {
      for (const each of all()) {
        const pod = each.pod(namespace, name, uid);
        if (pod) return pod;
      }
      return undefined;
    },
  };
  // Asked only once there are nodes.
  const view = () => viewOf(first().name, { services: first().assembly.services, manager }, () => []);
  return new Proxy({} as ReturnType<typeof view>, { get: (_, name) => view()[name as keyof ReturnType<typeof view>] });
}
