import type { Pod } from '@keelson/api/generated/types/core/v1';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { describe, expect, it } from 'vitest';
import { testNode } from '../testing/node.ts';
import { container, podOf } from '../testing/pods.ts';
import { registerPodLevels } from './worker-metrics.ts';

const valuesOf = async (registry: MetricsRegistry) =>
  new Map(
    Array.from((await registry.text()).matchAll(/^kubelet_(.*) (\S+)$/gm), ([, name, value]) => [name, Number(value)]),
  );

describe('what is counted of pods', () => {
  it('from when they are seen until nothing is left of them', async () => {
    const registry = new MetricsRegistry();
    const node = testNode({ metrics: registry });
    const creationTimestamp = new Date(node.world.clock.now()).toISOString();
    await node.put(podOf({ containers: [container('a'), container('b')] }, { creationTimestamp }));
    await node.delete();
    await node.pass(40_000);
    const values = await valuesOf(registry);
    const expected: [string, number][] = [
      ['containers_per_pod_count_sum', 2],
      ['pod_worker_start_duration_seconds_count', 1],
      ['pod_start_duration_seconds_count', 1],
      ['pod_start_total_duration_seconds_count', 1],
      ['run_podsandbox_duration_seconds_count{runtime_handler=""}', 1],
      ['pod_worker_duration_seconds_count{operation_type="create"}', 1],
      ['pod_worker_duration_seconds_count{operation_type="terminated"}', 1],
      ['pod_status_sync_duration_seconds_count', node.writes.filter((each) => each.startsWith('PATCH')).length],
    ];
    for (const [name, value] of expected) expect([name, values.get(name)]).toEqual([name, value]);
  });

  it('which are in which state, static ones apart; nothing of what the runtime does not tell', async () => {
    const registry = new MetricsRegistry();
    const pod: Pod = podOf({ containers: [container('a')] });
    const statics = podOf({ containers: [] }, { annotations: { 'kubernetes.io/config.source': 'file' } });
    const running = { phase: 'syncing' } as const;
    const gone = { phase: 'finished', ending: { cause: 'removed', graceSeconds: 1 } } as const;
    let listed = Promise.resolve([
      {
        ...{ uid: 'u', name: 'n', namespace: 'ns', sandboxes: [{ id: 's', ready: true, createdAt: 0 }] },
        containers: ['running', 'exited', 'exited'].map((state) => ({ state }) as never),
      },
    ]);
    registerPodLevels(registry, {
      nodeName: 'node',
      desired: () => [pod, statics],
      active: () => [statics],
      workers: () => [
        { pod, state: gone, isKnown: false },
        { pod: statics, state: running, isKnown: true },
      ],
      mirrors: () => 3,
      list: () => listed,
    });
    const expected: [string, number][] = [
      ['node_name{node="node"}', 1],
      ['desired_pods{static=""}', 1],
      ['desired_pods{static="true"}', 1],
      ['active_pods{static=""}', 0],
      ['active_pods{static="true"}', 1],
      ['mirror_pods', 3],
      ['managed_ephemeral_containers', 0],
      ['working_pods{config="orphan",lifecycle="terminated",static=""}', 1],
      ['working_pods{config="desired",lifecycle="sync",static="true"}', 1],
      ['working_pods{config="desired",lifecycle="sync",static=""}', 0],
      ['running_pods', 1],
      ['running_containers{container_state="exited"}', 2],
    ];
    const values = await valuesOf(registry);
    for (const [name, value] of expected) expect([name, values.get(name)]).toEqual([name, value]);
    listed = Promise.reject(new Error('it does not answer'));
    const after = await valuesOf(registry);
    expect([after.has('running_pods'), after.get('mirror_pods')]).toEqual([false, 3]);
  });
});
