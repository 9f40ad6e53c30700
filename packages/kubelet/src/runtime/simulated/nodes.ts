/**
 * Thousands of nodes in one process: one runtime, one watch of pods and one of nodes for all of them, leases renewed one
 * after the other, and for each node what its identity takes: a client and the workers of its pods.
 */

import type { Node, Pod, Taint } from '@keelson/api/generated/types/core/v1';
import { type Client, InformerFactory, withoutManagedFields } from '@keelson/client';
import { Slots } from '@keelson/client/rest/slots';
import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import type { Running } from '@keelson/component/running';
import { viewOf } from '../../assembly.ts';
import type { NodeConfiguration, NodeFacts } from '../../node/description.ts';
import type { Machine } from '../../node/machine.ts';
import { uidOf } from '../../pods/spec.ts';
import type { KubeletView, ServerFactory } from '../../view.ts';
import { SharedEvents } from './events.ts';
import { SimulatedNode } from './node.ts';
import { SimulatedRuntime } from './runtime.ts';

export interface SimulatedNodesOptions {
  /** Reads all pods and nodes. */
  readonly client: Client;
  /**
   * Acts as `system:node:NAME` of `system:nodes`. It should share the connections of others: a client that impersonates is
   * two headers.
   */
  clientFor(nodeName: string): Client;
  readonly names: readonly string[];
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
  /** A real one's, for a node that stands in for it; nothing else than its lease is. */
  readonly machine?: Partial<Machine> | undefined;
}

/** On nodes that are none. */
export const SIMULATED = 'keelson.dev/simulated';

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
  hugePages: new Map([
    [2 ** 30, 0],
    [2 ** 21, 0],
  ]),
};

/** Resolves when all nodes are registered and ready. */
export async function startSimulatedNodes(options: SimulatedNodesOptions): Promise<Running> {
  const { client, names, address = '127.0.0.1' } = options;
  const { world } = client;
  const runtime = new SimulatedRuntime(world.clock);
  const events = new SharedEvents();
  const calls = new Slots(CALLS_AT_ONCE);
  const limit = <T>(call: () => Promise<T>) => calls.run(call);
  const nodes = new Map<string, SimulatedNode>();
  const facts: NodeFacts = {
    machine: { ...MACHINE, ...options.machine },
    version: await runtime.version(),
    runtime: await runtime.status(),
    images: [],
    notReady: undefined,
    pressures: [],
  };
  const informers = new InformerFactory(client);
  // A node by itself may read no more than what is its own.
  const [only] = names.length === 1 ? names : [];
  const pods = informers.informer('pods', {
    transform: withoutManagedFields,
    ...(only === undefined ? {} : { fieldSelector: `spec.nodeName=${only}` }),
  });
  pods.addIndex('node', nodeOf);
  const seen = informers.informer('nodes', {
    transform: withoutManagedFields,
    ...(only === undefined ? { labelSelector: `${SIMULATED}=true` } : { fieldSelector: `metadata.name=${only}` }),
  });
  const server = await options.server?.(viewOfAll(nodes, () => [...nodes.values()][0]!));
  for (const name of names) {
    const own = options.clientFor(name);
    const configuration: NodeConfiguration = {
      name,
      addresses: [address],
      labels: { [SIMULATED]: 'true', ...options.labels },
      annotations: { [SIMULATED]: 'true', ...options.annotations },
      taints: options.taints ?? [],
      maxPods: options.maxPods ?? 110,
      providerId: '',
      reserved: {},
      capacity: options.capacity ?? {},
      serverPort: server?.port ?? 0,
      maxImages: 50,
      isEnabled: isEnabledByDefault,
    };
    const recorder = events.recorder(own, name);
    nodes.set(name, new SimulatedNode({ client: own, recorder, runtime, configuration, facts, limit }));
  }

  const owners = new Map<string, SimulatedNode>();
  const of = (pod: Pod) => nodes.get(pod.spec?.nodeName ?? '');
  const put = (pod: Pod) => {
    const owner = of(pod);
    if (!owner) return;
    owners.set(uidOf(pod), owner);
    owner.put(pod);
  };
  const remove = (pod: Pod) => {
    of(pod)?.remove(pod);
    if (!of(pod)?.knows(uidOf(pod))) owners.delete(uidOf(pod));
  };
  const observe = (node: Node) =>
    nodes.get(node.metadata.name!)?.observe(node, () => pods.store.byIndex('node', node.metadata.name!));
  pods.addHandler({ added: put, updated: (_old, pod) => put(pod), deleted: remove });
  seen.addHandler({ added: observe, updated: (_old, node) => observe(node) });
  const unsubscribe = runtime.subscribe((uid) => {
    const owner = owners.get(uid);
    owner?.wake(uid);
    // The last that is told of a pod is that nothing of it is left.
    if (owner && !owner.knows(uid)) owners.delete(uid);
  });
  // A node is there before its pods are looked at: whether they are admitted depends on it.
  await Promise.all(Array.from(nodes.values(), (node) => node.up()));
  informers.start();
  await informers.synced();

  const { promise: done, resolve } = Promise.withResolvers<void>();
  return {
    done,
    stop: async () => {
      unsubscribe();
      for (const node of nodes.values()) node.down();
      events.stop();
      await Promise.all([informers.stop(), server?.stop(), runtime.close()]);
      resolve();
    },
  };
}

const nodeOf = ({ spec }: Pod) => (spec?.nodeName ? [spec.nodeName] : []);

function viewOfAll(nodes: ReadonlyMap<string, SimulatedNode>, first: () => SimulatedNode): KubeletView {
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
  return new Proxy({} as KubeletView, { get: (_, name) => view()[name as keyof KubeletView] });
}
