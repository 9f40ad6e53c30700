import { ManualClock } from '@keelson/api/clock';
import { StatusError } from '@keelson/api/errors';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { parseCIDRSloppy } from '@keelson/api/ip';
import type { TypedObject } from '@keelson/api/object';
import { storeKey } from '@keelson/client';
import { Store } from '@keelson/client/informer/store';

import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, test } from 'vitest';
import { SliceMetrics } from './endpointslice/metrics.ts';
import { RangeMetrics } from './nodeipam/metrics.ts';
import { Ranges } from './nodeipam/ranges.ts';
import { NodeMetrics } from './nodelifecycle/metrics.ts';
import { VolumeMetrics } from './persistentvolume/metrics.ts';
import { AutoscalerCounts } from './podautoscaler/counts.ts';
import { PodCollectorMetrics } from './podgc/metrics.ts';
import { ReplicaSetMetrics } from './replicaset/metrics.ts';
import { ClaimMetrics } from './resourceclaim/metrics.ts';
import { countedSyncs } from './rootca/metrics.ts';

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

function storeOf<T extends TypedObject>(...objects: readonly T[]): Store<T> {
  const store = new Store<T>();
  for (const object of objects) store.put(storeKey(object), object);
  return store;
}

test('volumes and claims, and how long it took to make and to delete volumes', async () => {
  const volume = (name: string, spec: object, phase: string): PersistentVolume => ({
    metadata: { name },
    spec: { storageClassName: 'fast', ...spec },
    status: { phase },
  });
  const claim = (name: string, phase: string): PersistentVolumeClaim => ({
    metadata: { namespace: 'n', name },
    spec: { storageClassName: 'fast', resources: {} },
    status: { phase },
  });
  const registry = new MetricsRegistry();
  const clock = new ManualClock();
  const metrics = new VolumeMetrics(registry, clock, {
    volumes: storeOf(
      volume('a', { csi: { driver: 'd', volumeHandle: 'h' }, volumeMode: 'Block' }, 'Bound'),
      volume('b', { hostPath: { path: '/b' }, volumeMode: 'Filesystem' }, 'Available'),
      volume('c', { local: { path: '/c' }, volumeMode: 'Filesystem' }, 'Released'),
    ),
    claims: storeOf(claim('a', 'Bound'), claim('b', 'Pending'), claim('c', 'Lost')),
  });
  metrics.began('n/a', 'd', 'provision');
  clock.advance(1000);
  metrics.began('n/a', 'd', 'provision');
  clock.advance(1000);
  const failing = metrics.ending('n/a', () => Promise.reject(new Error('refused')));
  await expect(failing).rejects.toThrow('refused');
  await metrics.ending('n/a', async () => {});
  metrics.ended('n/a');
  metrics.failed('n/a');
  await metrics.classified(async () => {});
  await expect(metrics.classified(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
  const lines = await linesOf(registry);
  expect(lines).toEqual(
    expect.arrayContaining([
      'pv_collector_total_pv_count{plugin_name="kubernetes.io/csi:d",volume_mode="Block"} 1',
      'pv_collector_total_pv_count{plugin_name="kubernetes.io/host-path",volume_mode="Filesystem"} 1',
      'pv_collector_total_pv_count{plugin_name="N/A",volume_mode="Filesystem"} 1',
      'pv_collector_bound_pv_count{storage_class="fast"} 1',
      'pv_collector_unbound_pv_count{storage_class="fast"} 2',
      'pv_collector_bound_pvc_count{namespace="n",storage_class="fast",volume_attributes_class=""} 1',
      'pv_collector_unbound_pvc_count{namespace="n",storage_class="fast",volume_attributes_class=""} 2',
      'volume_operation_total_seconds_sum{operation_name="provision",plugin_name="d"} 2',
      'volume_operation_total_seconds_count{operation_name="provision",plugin_name="d"} 1',
      'volume_operation_errors_total{operation_name="provision",plugin_name="d"} 1',
      'retroactive_storageclass_total 2',
      'retroactive_storageclass_errors_total 1',
    ]),
  );
});

test('ranges of nodes', async () => {
  const registry = new MetricsRegistry();
  const metrics = new RangeMetrics(registry);
  const ranges = metrics.follow((observer) => new Ranges(parseCIDRSloppy('10.0.0.0/22')!, 24, observer));
  ranges.occupy('10.0.0.0/24');
  ranges.occupy('10.0.0.0/24');
  ranges.take();
  ranges.release('10.0.0.0/24');
  ranges.release('10.0.0.0/24');
  const labels = '{clusterCIDR="10.0.0.0/22"}';
  expect(await linesOf(registry)).toEqual(
    expect.arrayContaining([
      `node_ipam_controller_cidrset_cidrs_allocations_total${labels} 2`,
      `node_ipam_controller_cidrset_cidrs_releases_total${labels} 1`,
      `node_ipam_controller_cidrset_allocation_tries_per_request_sum${labels} 1`,
      `node_ipam_controller_cirdset_max_cidrs${labels} 4`,
      `node_ipam_controller_cidrset_usage_cidrs${labels} 0.25`,
    ]),
  );
});

test('claims for devices', async () => {
  const claim = (name: string, more: object, adminAccess: boolean): ResourceClaim => ({
    metadata: { namespace: 'n', name, ...more },
    spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c', adminAccess } }] } },
    status: adminAccess ? { allocation: { devices: {} } } : {},
  });
  const ofTemplate = claim('a', { annotations: { 'resource.kubernetes.io/pod-claim-name': 'x' } }, false);
  const extended = claim('b', { annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' } }, false);
  const registry = new MetricsRegistry();
  const metrics = new ClaimMetrics(registry, storeOf(ofTemplate, extended, claim('c', {}, true)));
  await metrics.created(ofTemplate.spec, async () => ofTemplate);
  await expect(metrics.created(ofTemplate.spec, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
  expect(await linesOf(registry)).toEqual([
    'resourceclaim_controller_creates_total{admin_access="false",status="failure"} 1',
    'resourceclaim_controller_creates_total{admin_access="false",status="success"} 1',
    'resourceclaim_controller_resource_claims{admin_access="false",allocated="false",source="extended_resource"} 1',
    'resourceclaim_controller_resource_claims{admin_access="false",allocated="false",source="resource_claim_template"} 1',
    'resourceclaim_controller_resource_claims{admin_access="true",allocated="true",source=""} 1',
    '',
  ]);
});

test('looks that publish, by what the server answered', async () => {
  const registry = new MetricsRegistry();
  const errors = [new StatusError(409, 'Conflict', 'no'), new Error('no'), undefined];
  const clock = new ManualClock();
  const context = { metrics: registry, world: { clock, random: Math.random } };
  const sync = countedSyncs<string>(context as never, 'root_ca_cert_publisher', async () => {
    const error = errors.shift();
    if (error) throw error;
  });
  await expect(sync('a')).rejects.toThrow();
  await expect(sync('a')).rejects.toThrow();
  await sync('a');
  const counts = (await linesOf(registry)).filter((line) => line.includes('sync_total'));
  expect(counts.map((line) => line.slice(-14))).toEqual(['{code="200"} 1', '{code="409"} 1', '{code="500"} 1']);
});

test('ages of pods that go, of those that were ready', async () => {
  const pod = (created: string, ready = true): Pod => ({
    metadata: { creationTimestamp: created },
    spec: { containers: [] },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  });
  const registry = new MetricsRegistry();
  const metrics = new ReplicaSetMetrics(registry);
  const now = Date.parse('2026-01-01T01:00:00Z');
  const old = pod('2026-01-01T00:00:00Z');
  metrics.chose([old, pod('2026-01-01T00:59:59Z', false)], [old, pod('2026-01-01T00:35:00Z')], now);
  metrics.chose([old], [pod('2026-01-01T01:00:00Z')], now);
  expect(await linesOf(registry)).toEqual(
    expect.arrayContaining([
      'replicaset_controller_sorting_deletion_age_ratio_sum 2',
      'replicaset_controller_sorting_deletion_age_ratio_count 1',
    ]),
  );
});
