import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ServiceHealth } from './service-health.ts';

let isHealthy = true;
const failed: string[] = [];
const health = new ServiceHealth({
  hosts: ['127.0.0.1'],
  isHealthy: () => isHealthy,
  failed: (service) => void failed.push(service),
});
const port = randomInt(10_000, 30_000);
const ask = async () => {
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
  const weight = response.headers.get('x-load-balancing-endpoint-weight');
  return [response.status, weight, await response.json()] as const;
};
afterEach(() => health.stop());

test('load balancers are told of endpoints here', async () => {
  health.set('ns/web', port, 2);
  await expect.poll(async () => (await ask().catch(() => []))[0]).toBe(200);
  expect(await ask()).toEqual([
    200,
    '2',
    { service: { namespace: 'ns', name: 'web' }, localEndpoints: 2, serviceProxyHealthy: true },
  ]);
  health.set('ns/web', port, 0);
  expect(await ask()).toMatchObject([503, '0', { localEndpoints: 0 }]);
  health.set('ns/web', port, 1);
  isHealthy = false;
  expect(await ask()).toMatchObject([503, '1', { serviceProxyHealthy: false }]);
  isHealthy = true;
  health.set('ns/other', port, 1);
  await expect.poll(() => failed).toEqual(['ns/other']);
  health.set('ns/web', 0, 0);
  await expect.poll(() => ask().catch(() => 'closed')).toBe('closed');
});

test('a port that cannot be had does not take away the one that came in its place', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  try {
    failed.length = 0;
    health.set('ns/moved', (taken.address() as AddressInfo).port, 1);
    health.set('ns/moved', port, 1);
    await expect.poll(() => failed).toEqual(['ns/moved']);
    await expect.poll(async () => (await ask().catch(() => []))[0]).toBe(200);
  } finally {
    taken.close();
  }
});
