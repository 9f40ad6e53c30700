/** A node of a test: the simulated runtime, a clock that the test moves, an API server that keeps pods and nothing else. */

import type { Node, Pod, PodStatus } from '@keelson/api/generated/types/core/v1';
import { Client, type EventRecorder } from '@keelson/client';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld, settle } from '@keelson/client/testing/world';
import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import { type AssemblyOptions, assemble } from '../assembly.ts';
import { uidOf } from '../pods/spec.ts';
import { simulatedPods } from '../runtime/simulated/preparer.ts';
import { simulatedProbes } from '../runtime/simulated/probes.ts';
import { SimulatedRuntime } from '../runtime/simulated/runtime.ts';

export const NODE: Node = {
  metadata: { name: 'n1', labels: { 'kubernetes.io/os': 'linux' } },
  spec: {},
  status: {
    allocatable: { cpu: '2', memory: '4Gi', pods: '10' },
    nodeInfo: { operatingSystem: 'linux' },
  } as unknown as NonNullable<Node['status']>,
};

export function testNode(more: Partial<AssemblyOptions> = {}) {
  const world = manualWorld();
  const runtime = new SimulatedRuntime(world.clock);
  const stored = new Map<string, Pod>();
  const writes: string[] = [];
  const transport = new FakeTransport(({ method, path, body }) => {
    const name = path.split('/')[6]!.split('?')[0]!;
    const pod = stored.get(name);
    if (!pod) return { status: 404, body: { kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404 } };
    writes.push(`${method} ${name}`);
    if (method === 'DELETE') {
      stored.delete(name);
      setImmediate(() => assembly.manager.remove(pod));
      return { body: pod };
    }
    const { status } = JSON.parse(Buffer.from(body!).toString()) as { status: PodStatus };
    const next = { ...pod, status: merged(pod.status ?? {}, status) };
    next.metadata = { ...pod.metadata, resourceVersion: String(Number(pod.metadata.resourceVersion ?? 0) + 1) };
    stored.set(name, next);
    setImmediate(() => assembly.manager.put(next));
    return { body: next };
  });
  const client = new Client({ transport, component: 'kubelet', world });
  const events: string[] = [];
  const recorder: EventRecorder = {
    event: (_about, _type, reason, message) => void events.push(`${reason}: ${message}`),
  };
  const options: AssemblyOptions = {
    client,
    recorder,
    runtime,
    runtimeName: 'simulated',
    ...simulatedPods(),
    probes: simulatedProbes(runtime),
    hooks: { run: () => Promise.resolve() },
    images: { credentials: () => Promise.resolve([]), serialize: false },
    crashBackoff: {},
    isEnabled: isEnabledByDefault,
    recursiveReadOnly: true,
    hostIps: () => ['192.0.2.1'],
    networkProblem: () => undefined,
    resyncMs: 0,
    node: () => NODE,
    ...more,
  };
  const assembly = assemble(options);
  runtime.subscribe((uid) => assembly.manager.wake(uid));
  return {
    world,
    runtime,
    events,
    writes,
    manager: assembly.manager,
    /** As the API server has it. */
    stored: (name = 'web') => stored.get(name),
    async put(pod: Pod) {
      stored.set(pod.metadata.name!, pod);
      assembly.manager.put(pod);
      await settle();
    },
    /** As a client would delete it. */
    async delete(name = 'web', seconds = 30) {
      const pod = stored.get(name)!;
      const deletionTimestamp = new Date(world.clock.now()).toISOString();
      const metadata = { ...pod.metadata, deletionTimestamp, deletionGracePeriodSeconds: seconds };
      await this.put({ ...pod, metadata });
    },
    pass: (ms: number) => world.pass(ms),
    containers: async (pod: Pod) => (await runtime.pod(uidOf(pod))).containers,
    stop: () => assembly.stop(),
  };
}

/** As a strategic merge patch of a status would. */
function merged(old: PodStatus, patch: PodStatus): PodStatus {
  const next = { ...old, ...patch } as Record<string, unknown>;
  for (const [name, value] of Object.entries(next)) {
    if (value === null) delete next[name];
    else if (Array.isArray(value)) next[name] = value.filter((item: object) => !('$patch' in item));
  }
  const changed = patch.conditions ?? [];
  const kept = (old.conditions ?? []).filter(({ type }) => !changed.some((condition) => condition.type === type));
  const conditions = [...kept, ...changed.filter((condition) => !('$patch' in condition))];
  return { ...(next as PodStatus), conditions };
}
