import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { NetworkStatus, PARTS } from '@keelson/pod-network/status';
import { expect, it } from 'vitest';
import { healthOf, metricsOf } from './ports.ts';

const registry = new MetricsRegistry();
const status = new NetworkStatus(registry, () => 0);
const request = (url: string) => ({ method: 'GET', url, headers: {} });

it('tells whether the kernel keeps up', async () => {
  const answer = async (path: string) => (await healthOf(status)(path, request(path)))?.status;
  expect(await answer('/readyz')).toBe(503);
  for (const part of PARTS) status.watcherOf(part).written(0.5);
  for (const path of ['/healthz', '/livez', '/readyz']) expect(await answer(path)).toBe(200);
  expect(await answer('/metrics')).toBeUndefined();
});

it('tells Prometheus how it works, and people what it is', async () => {
  const handle = metricsOf(registry, { 'cni-conf-dir': '/x' });
  const get = async (path: string) => (await handle(path, request(path)))?.body;
  expect(await get('/metrics')).toContain('keelson_pod_network_sync_duration_seconds_count{part="routes"} 1');
  expect(await get('/statusz')).toContain('\nPaths: /flagz /metrics\n');
  expect(await get('/flagz')).toContain('cni-conf-dir');
  expect(await get('/healthz')).toBeUndefined();
});
