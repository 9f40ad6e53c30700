import { expect, test } from 'vitest';
import type { RequestContext } from './context.ts';
import { Lifecycle } from './lifecycle.ts';

const request = (verb: string) => ({ info: { verb, subresource: '' } }) as unknown as RequestContext;

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
  lifecycle.register(() => ended.push('a'));
  lifecycle.register(() => ended.push('b'))();
  lifecycle.endLongRunning();
  expect(ended).toEqual(['a']);
});

test('draining gives up after its time', async () => {
  const lifecycle = new Lifecycle();
  void lifecycle.track(request('get'), () => new Promise(() => {}));
  await expect(lifecycle.drained(5)).resolves.toBeUndefined();
});
