import { expect, it } from 'vitest';
import { ended, heardLater, Mutex, Rounds, unlessAborted } from './promises.ts';

it('runs one piece of work after another, whatever becomes of those before', async () => {
  const mutex = new Mutex();
  const order: string[] = [];
  const first = Promise.withResolvers<string>();
  const runs = [
    mutex.run(() => {
      order.push('first');
      return first.promise;
    }),
    mutex.run(() => {
      order.push('second');
      throw new Error('no');
    }),
    mutex.run(() => order.push('third')),
  ];
  await ended(Promise.race([...runs, Promise.resolve()]));
  expect(order).toEqual(['first']);
  first.resolve('one');
  await mutex.idle();
  expect(order).toEqual(['first', 'second', 'third']);
  expect(await Promise.allSettled(runs)).toMatchObject([
    { value: 'one' },
    { reason: { message: 'no' } },
    { status: 'fulfilled', value: 3 },
  ]);
});

it('tells who waits later', async () => {
  const promise = heardLater(Promise.reject(new Error('no')));
  // Long enough for the process to notice that nobody listens.
  await new Promise((resolve) => setImmediate(resolve));
  await expect(promise).rejects.toThrow('no');
  await expect(ended(promise)).resolves.toBeUndefined();
});

it('waits no longer than until the signal is aborted, and hears what becomes of the work all the same', async () => {
  const { signal } = new AbortController();
  expect(await unlessAborted(Promise.resolve('done'), signal)).toBe('done');
  await expect(unlessAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  const before = AbortSignal.abort(new Error('too late'));
  await expect(unlessAborted(Promise.reject(new Error('no')), before)).rejects.toThrow('too late');
  const meanwhile = new AbortController();
  const waiting = unlessAborted(new Promise(() => {}), meanwhile.signal);
  meanwhile.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

it.each(Array.from({ length: 8 }, (_, steps) => [steps]))(
  'does what is asked for %i steps behind the beginning of a round, in that or in another',
  async (steps) => {
    const asked = ['first'];
    const done: string[] = [];
    const rounds = new Rounds(async () => {
      done.push(...asked.splice(0));
    });
    rounds.ask();
    for (let i = 0; i < steps; i++) await Promise.resolve();
    asked.push('second');
    rounds.ask();
    await rounds.idle();
    expect(done).toEqual(['first', 'second']);
  },
);
