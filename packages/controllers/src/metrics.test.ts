import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, test } from 'vitest';
import { NodeMetrics } from './nodelifecycle/metrics.ts';
import { PodCollectorMetrics } from './podgc/metrics.ts';

const linesOf = async (registry: MetricsRegistry) =>
  (await registry.text()).split('\n').filter((line) => !/^#|_bucket/.test(line));

test('zones of nodes, also those that are gone', async () => {
  const registry = new MetricsRegistry();
  const metrics = new NodeMetrics(registry);
  metrics.zones(new Map([['a', { nodes: [1, 2, 3, 4], ready: 3 }]]));
  metrics.evicted('a');
  expect(await linesOf(registry)).toEqual(
    expect.arrayContaining([
      'node_collector_zone_size{zone="a"} 4',
      'node_collector_zone_health{zone="a"} 75',
      'node_collector_unhealthy_nodes_in_zone{zone="a"} 1',
      'node_collector_evictions_total{zone="a"} 1',
    ]),
  );
  metrics.zones(new Map([['b', { nodes: [], ready: 0 }]]));
  metrics.examined(0.5);
  metrics.rounded(2);
  expect(await linesOf(registry)).toEqual(
    expect.arrayContaining([
      'node_collector_zone_size{zone="a"} 0',
      'node_collector_zone_health{zone="a"} 100',
      'node_collector_unhealthy_nodes_in_zone{zone="a"} 0',
      'node_collector_evictions_total{zone="b"} 0',
      'node_collector_update_node_health_duration_seconds_sum 0.5',
      'node_collector_update_all_nodes_health_duration_seconds_sum 2',
    ]),
  );
});

test('pods that are deleted by force, and those that could not be', async () => {
  const registry = new MetricsRegistry();
  const metrics = new PodCollectorMetrics(registry);
  const pod = { metadata: { namespace: 'n' } };
  await metrics.counted(pod, 'orphaned', async () => {});
  const failure = metrics.counted(pod, 'terminated', async () => {
    throw new Error('refused');
  });
  await expect(failure).rejects.toThrow('refused');
  expect(await linesOf(registry)).toEqual(
    expect.arrayContaining([
      'pod_gc_collector_force_delete_pods_total{namespace="n",reason="orphaned"} 1',
      'pod_gc_collector_force_delete_pods_total{namespace="n",reason="terminated"} 1',
      'pod_gc_collector_force_delete_pod_errors_total{namespace="n",reason="terminated"} 1',
    ]),
  );
});
