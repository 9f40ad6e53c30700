import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, test } from 'vitest';
import { NetworkStatus, PARTS } from './status.ts';

test('it is healthy as long as changes do not wait, and ready when the kernel has followed once', () => {
  let now = 0;
  const status = new NetworkStatus(new MetricsRegistry(), () => now);
  const [routes, policies] = PARTS.map((part) => status.watcherOf(part));
  const answers = () => [status.health().status, status.ready().status];
  expect(answers()).toEqual([200, 503]);
  routes!.written(0.1);
  expect(JSON.parse(status.ready().body)).toMatchObject({ waiting: ['policies'] });
  policies!.written(0.1);
  expect(answers()).toEqual([200, 200]);
  now = 1_000;
  policies!.changed();
  now = 120_999;
  policies!.changed();
  expect(answers()).toEqual([200, 200]);
  now = 121_000;
  expect(answers()).toEqual([503, 503]);
  expect(JSON.parse(status.health().body).status).toMatchObject({
    routes: { healthy: true },
    policies: { healthy: false },
  });
  policies!.written(0.1);
  expect(answers()).toEqual([200, 200]);
});
