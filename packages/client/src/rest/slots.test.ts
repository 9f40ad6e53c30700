import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

test('who does not want any more is not let in, nor waited for', async () => {
  const slots = new Slots(1);
  await expect(slots.run(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  const leave = await slots.take();
  await expect(slots.take(AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  leave();
  expect(await slots.run(async () => 'done')).toBe('done');
});

test('so many at once, the others in order; who gives up leaves its place to the next', async () => {
  const slots = new Slots(2);
  const log: string[] = [];
  const enter = (name: string, signal?: AbortSignal) =>
    slots.take(signal).then((leave) => {
      log.push(name);
      return leave;
    });
  const first = await enter('a');
  const second = await enter('b');
  const impatient = new AbortController();
  const third = enter('c', impatient.signal);
  const fourth = enter('d');
  const fifth = enter('e');
  impatient.abort(new Error('too long'));
  await expect(third).rejects.toThrow('too long');
  expect(log).toEqual(['a', 'b']);
  first();
  (await fourth)();
  await fifth;
  expect(log).toEqual(['a', 'b', 'd', 'e']);
  second();
  await enter('f');
  expect(log.at(-1)).toBe('f');
});
