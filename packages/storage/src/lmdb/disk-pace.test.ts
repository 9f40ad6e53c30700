import { expect, it } from 'vitest';
import { DiskPace } from './disk-pace.ts';

/** @returns after how many quick writes the disk counts as quick */
function regained(pace: DiskPace): number {
  let writes = 0;
  for (; !pace.isQuick; writes++) pace.learn(0.1);
  return writes;
}

it('a disk that nothing is known of is not quick', () => {
  expect(regained(new DiskPace())).toBe(100);
});

it.each([
  [4, 0],
  [10, 100],
  [100, 10_000],
])('a write of %s ms makes cautious for %s', (ms, writes) => {
  const pace = new DiskPace();
  regained(pace);
  pace.learn(ms);
  expect(regained(pace)).toBe(writes);
});

it('a short stall does not make a long one forgotten', () => {
  const pace = new DiskPace();
  pace.learn(30);
  pace.learn(10);
  expect(regained(pace)).toBe(899);
});

it('a disk that is slow all the time is not quick', () => {
  const pace = new DiskPace();
  for (let i = 0; i < 1000; i++) pace.learn(0.6);
  expect(pace.isQuick).toBe(false);
});
