import { expect, test } from 'vitest';
import type { RequestContext } from './context.ts';
import { Lifecycle } from './lifecycle.ts';

const request = (verb: string) => ({ info: { verb, subresource: '', path: '/' } }) as unknown as RequestContext;

test('a shutdown waits for requests, not for watches', async () => {
  const lifecycle = new Lifecycle();
  const finish: (() => void)[] = [];
  const hang = () => new Promise<void>((resolve) => finish.push(resolve));
  const get = lifecycle.track(request('get'), hang);
  lifecycle.track(request('watch'), hang);
  let drained = false;
  const done = lifecycle.drained(60_000).then(() => {
    drained = true;
  });
  await Promise.resolve();
  expect(drained).toBe(false);
  finish[0]!();
  await get;
  await done;
  expect(drained).toBe(true);
});

test('long-running requests are told to end, those that ended are not', () => {
  const lifecycle = new Lifecycle();
  const ended: string[] = [];
  lifecycle.registerWatch(() => ended.push('a'));
  lifecycle.registerWatch(() => ended.push('b'))();
  lifecycle.registerConnection(() => ended.push('c'));
  lifecycle.endLongRunning();
  expect(ended).toEqual(['a', 'c']);
});

test('watches end a few at a time, and all of them within the grace period', async () => {
  const lifecycle = new Lifecycle({ endsWatches: true });
  const ended: number[] = [];
  for (let i = 0; i < 30; i++) lifecycle.registerWatch(() => ended.push(i));
  const done = lifecycle.endWatches(60_000);
  expect(ended).toHaveLength(10);
  await done;
  expect(ended).toHaveLength(30);
  for (let i = 0; i < 30; i++) lifecycle.registerWatch(() => ended.push(i));
  await lifecycle.endWatches(1);
  expect(ended).toHaveLength(60);
});

test.each([
  // who, what, its user agent, 503 or served
  ['a request', 'get', '/api/v1/pods', 'kubectl', 503],
  ['a watch', 'watch', '/api/v1/pods', 'kubectl', 503],
  ['a health check', 'get', '/readyz', 'kube-probe', 200],
  ['another API server', 'get', '/api/v1/pods', 'kube-apiserver/v1.36.0', 200],
  ['a connection', 'proxy', '/api/v1/nodes/n/proxy', 'kubectl', 200],
])('while nothing new begins, %s…', async (_, verb, path, agent, expected) => {
  const lifecycle = new Lifecycle({ endsWatches: true });
  lifecycle.refuse();
  let status = 200;
  let isLast = false;
  const exchange = {
    headers: { 'user-agent': agent },
    endConnection: () => {
      isLast = true;
    },
    respond: (answered: number) => {
      status = answered;
    },
  };
  const ctx = {
    info: { verb, subresource: '', path },
    exchange,
    auditId: '',
    warnings: [],
  } as unknown as RequestContext;
  await lifecycle.track(ctx, async () => {});
  expect(status).toBe(expected);
  expect(isLast).toBe(expected !== 200);
  status = 200;
  await lifecycle.sendRetryAfter(ctx, async () => {});
  expect(status).toBe(expected === 503 || verb === 'proxy' ? 429 : 200);
});

test('draining gives up after its time', async () => {
  const lifecycle = new Lifecycle();
  void lifecycle.track(request('get'), () => new Promise(() => {}));
  await expect(lifecycle.drained(5)).resolves.toBeUndefined();
});
