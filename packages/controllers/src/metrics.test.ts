import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, test } from 'vitest';
import { SliceMetrics } from './endpointslice/metrics.ts';
import { NodeMetrics } from './nodelifecycle/metrics.ts';
import { AutoscalerCounts } from './podautoscaler/counts.ts';
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

test('looks at autoscalers, and the metrics that they go by', async () => {
  const registry = new MetricsRegistry();
  const counts = new AutoscalerCounts(registry, () => 2);
  counts.looked(3, 'none', 250);
  counts.looked(0, 'spec', 0);
  counts.computed('Resource', -1, 'none', 500);
  counts.desires('n', 'web', 4);
  counts.desires('n', 'gone', 4);
  counts.forget('n', 'gone');
  const name = 'horizontal_pod_autoscaler_controller';
  const lines = await linesOf(registry);
  expect(lines).toEqual(
    expect.arrayContaining([
      `${name}_reconciliations_total{action="scale_up",error="none"} 1`,
      `${name}_reconciliations_total{action="none",error="spec"} 1`,
      `${name}_reconciliation_duration_seconds_sum{action="scale_up",error="none"} 0.25`,
      `${name}_metric_computation_total{action="scale_down",error="none",metric_type="Resource"} 1`,
      `${name}_metric_computation_duration_seconds_sum{action="scale_down",error="none",metric_type="Resource"} 0.5`,
      `${name}_num_horizontal_pod_autoscalers 2`,
      `${name}_desired_replicas{hpa_name="web",namespace="n"} 4`,
    ]),
  );
  expect(lines.filter((line) => line.includes('gone'))).toEqual([]);
});

test('slices of endpoints, by what services come to', async () => {
  const registry = new MetricsRegistry();
  const metrics = new SliceMetrics(registry, 100);
  metrics.packing.planned('n/a', { endpoints: [101, 1], slices: 4, added: 102, removed: 0 });
  metrics.packing.planned('n/a', { endpoints: [101], slices: 3, added: 0, removed: 1 });
  metrics.packing.planned('n/b', { endpoints: [], slices: 1, added: 0, removed: 0 });
  metrics.packing.planned('n/c', { endpoints: [7], slices: 1, added: 7, removed: 0 });
  metrics.packing.wrote('create');
  metrics.changed('n/a', [4], false, 'PreferSameZone');
  metrics.changed('n/b', [1, 1], true, undefined);
  metrics.changed('n/c', [1], false, 'PreferSameNode');
  metrics.forget('n/c');
  metrics.synced('stale');
  const name = 'endpoint_slice_controller';
  const lines = await linesOf(registry);
  expect(lines).toEqual(
    expect.arrayContaining([
      `${name}_endpoints_added_per_sync_sum 109`,
      `${name}_endpoints_added_per_sync_count 4`,
      `${name}_endpoints_removed_per_sync_sum 1`,
      `${name}_endpoints_desired 101`,
      `${name}_num_endpoint_slices 4`,
      `${name}_desired_endpoint_slices 3`,
      `${name}_changes{operation="create"} 1`,
      `${name}_endpointslices_changed_per_sync_sum{topology="Disabled",traffic_distribution="PreferSameZone"} 4`,
      `${name}_endpointslices_changed_per_sync_count{topology="Auto",traffic_distribution=""} 2`,
      `${name}_syncs{result="stale"} 1`,
      `${name}_services_count_by_traffic_distribution{traffic_distribution="PreferSameZone"} 1`,
    ]),
  );
  expect(lines.filter((line) => line.includes('services_count'))).toHaveLength(1);
});
