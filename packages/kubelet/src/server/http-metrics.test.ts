import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, test } from 'vitest';
import { HttpMetrics } from './http-metrics.ts';

test.each([
  ['GET', '/metrics', 'GET', 'metrics', false],
  ['GET', '/metrics?x=/y', 'GET', 'metrics', false],
  ['GET', '/metrics/cadvisor', 'GET', 'metrics/cadvisor', false],
  ['GET', '/metrics/nothing', 'GET', 'other', false],
  ['POST', '/exec/ns/pod/c?command=ls', 'POST', 'exec', true],
  ['BREW', '/coffee', 'other', 'other', false],
])('%s %s', async (method, url, shown, path, isLong) => {
  const registry = new MetricsRegistry();
  const metrics = new HttpMetrics(() => 0);
  metrics.register(registry);
  const labels = `{long_running="${isLong}",method="${shown}",path="${path}",server_type="readwrite"}`;
  await metrics.observe({ method, url }, 'readwrite', async () => {
    expect(await registry.text()).toContain(`kubelet_http_inflight_requests${labels} 1\n`);
  });
  const failing = metrics.observe({ method, url }, 'readwrite', () => Promise.reject(new Error('refused')));
  await expect(failing).rejects.toThrow('refused');
  const text = await registry.text();
  expect(text).toContain(`kubelet_http_inflight_requests${labels} 0\n`);
  expect(text).toContain(`kubelet_http_requests_total${labels} 2\n`);
  expect(text).toContain(`kubelet_http_requests_duration_seconds_count${labels} 2\n`);
});
