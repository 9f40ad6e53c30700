import { expect, it } from 'vitest';
import { ended, heardLater, Mutex } from './promises.ts';

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
