import { expect, test } from 'vitest';
import { podOf } from '../testing/pods.ts';
import { ProbeMetrics } from './metrics.ts';

const pod = podOf({ containers: [] });
const lines = async (metrics: ProbeMetrics) =>
  (await metrics.text())
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.includes('_bucket'));

test('probes are counted by what they find, the time of those that succeed, until they end', async () => {
  const metrics = new ProbeMetrics();
  metrics.probed('Liveness', pod, 'a', true, 0.02);
  metrics.probed('Liveness', pod, 'a', true, 0.04);
  metrics.probed('Liveness', pod, 'a', false, 9);
  metrics.probed('Readiness', pod, 'a', false, 9);
  const of = 'container="a",namespace="default",pod="web"';
  const total = (type: string, result: string) =>
    `prober_probe_total{${of},pod_uid="u1",probe_type="${type}",result="${result}"}`;
  expect(await lines(metrics)).toEqual([
    `prober_probe_duration_seconds_sum{${of},probe_type="Liveness"} 0.06`,
    `prober_probe_duration_seconds_count{${of},probe_type="Liveness"} 2`,
    `${total('Liveness', 'failed')} 1`,
    `${total('Liveness', 'successful')} 2`,
    `${total('Readiness', 'failed')} 1`,
  ]);
  metrics.forget('Liveness', pod, 'a');
  expect(await lines(metrics)).toEqual([`${total('Readiness', 'failed')} 1`]);
});
