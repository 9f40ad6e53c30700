import { expect, it } from 'vitest';
import { HealthMetrics } from './slis.ts';

it('tells how checks ended last, and how often so', async () => {
  const metrics = new HealthMetrics();
  for (const isHealthy of [true, true, false]) metrics.record('ping', 'livez', isHealthy);
  const text = await metrics.registry.text();
  expect(text.match(/^kubernetes.*/gm)).toEqual([
    'kubernetes_healthcheck{name="ping",type="livez"} 0',
    'kubernetes_healthchecks_total{name="ping",status="error",type="livez"} 1',
    'kubernetes_healthchecks_total{name="ping",status="success",type="livez"} 2',
  ]);
  expect(text).toMatch(/^process_start_time_seconds \d+/m);
});
