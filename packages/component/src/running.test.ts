import { describe, expect, test, vi } from 'vitest';
import { type Running, revived, together } from './running.ts';

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

describe('revived', () => {
  const passing = new Error('passes');
  const parts = (log: string[]) => {
    const started: ReturnType<typeof part>[] = [];
    const start = async () => {
      started.push(part(log, `${started.length}`));
      return started.at(-1)!;
    };
    return { started, start };
  };

  test('what ended of something that passes is started anew, and stops when it is asked to', async () => {
    const log: string[] = [];
    const { started, start } = parts(log);
    const all = await revived(start, (error) => error === passing);
    started[0]!.fail(passing);
    await vi.waitFor(() => expect(started).toHaveLength(2));
    await all.stop();
    await all.done;
    expect(log).toEqual(['stop 0', 'stop 1']);
  });

  test('anything else ends it', async () => {
    const { started, start } = parts([]);
    const all = await revived(start, (error) => error === passing);
    started[0]!.fail(new Error('a fault'));
    await expect(all.done).rejects.toThrow('a fault');
    expect(started).toHaveLength(1);
  });

  test('a stop during a new start stops what was started', async () => {
    const log: string[] = [];
    const { started, start } = parts(log);
    const gate = Promise.withResolvers<void>();
    const slow = async () => {
      if (started.length > 0) await gate.promise;
      return start();
    };
    const all = await revived(slow, () => true);
    started[0]!.fail(passing);
    await vi.waitFor(() => expect(log).toEqual(['stop 0']));
    const stopped = all.stop();
    gate.resolve();
    await stopped;
    expect(log.at(-1)).toBe('stop 1');
  });
});
