import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, test } from 'vitest';
import { RelistMetrics } from './relist-metrics.ts';

test('looks at all pods: how long they take, how far apart they begin, and when the last one ended', async () => {
  let now = 10_000;
  const registry = new MetricsRegistry();
  const metrics = new RelistMetrics(
    registry,
    () => now,
    () => 5_000_000 + now,
  );
  for (const pause of [1000, 2000]) {
    const done = metrics.looking();
    now += 500;
    done();
    now += pause;
  }
  metrics.connected();
  const lines = (await registry.text()).split('\n').filter((line) => !/^#|_bucket/.test(line));
  expect(lines).toEqual([
    'kubelet_evented_pleg_connection_error_count 0',
    'kubelet_evented_pleg_connection_success_count 1',
    'kubelet_pleg_last_seen_seconds 5012',
    'kubelet_pleg_relist_duration_seconds_sum 1',
    'kubelet_pleg_relist_duration_seconds_count 2',
    'kubelet_pleg_relist_interval_seconds_sum 1.5',
    'kubelet_pleg_relist_interval_seconds_count 1',
    '',
  ]);
});
