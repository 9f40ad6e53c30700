import { expect, it } from 'vitest';
import { Allowance } from './allowance.ts';

it('is used up, and comes back with time', () => {
  let now = 0;
  const allowance = new Allowance(3, 2, () => now);
  const take = (times: number) => Array.from({ length: times }, () => allowance.take());
  expect(take(4)).toEqual([true, true, true, false]);
  now = 499;
  expect(take(1)).toEqual([false]);
  now = 1000;
  expect(take(3)).toEqual([true, true, false]);
  now = 100_000;
  expect(take(4)).toEqual([true, true, true, false]);
});
