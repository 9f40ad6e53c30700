import { expect, test } from 'vitest';
import { type Running, together } from './running.ts';

function part(log: string[], name: string): Running & { fail(error: Error): void } {
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  return {
    done,
    fail: reject,
    stop: async () => {
      log.push(`stop ${name}`);
      resolve();
    },
  };
}

test('stopping stops all parts, and then all is done', async () => {
  const log: string[] = [];
  const all = together([part(log, 'a'), part(log, 'b')]);
  await all.stop();
  await all.done;
  expect(log).toEqual(['stop a', 'stop b']);
});

test('a part that has to end takes the others with it and says why', async () => {
  const log: string[] = [];
  const [a, b] = [part(log, 'a'), part(log, 'b')];
  const all = together([a, b]);
  a.fail(new Error('the lease is lost'));
  await expect(all.done).rejects.toThrow('the lease is lost');
  expect(log).toContain('stop b');
});

test('nothing at all goes on until it is stopped', async () => {
  const all = together([]);
  const first = await Promise.race([
    all.done.then(() => 'done'),
    new Promise((resolve) => setTimeout(resolve, 5, 'on')),
  ]);
  expect(first).toBe('on');
  await all.stop();
  await all.done;
});
