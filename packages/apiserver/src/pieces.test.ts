import { setImmediate as turn } from 'node:timers/promises';
import { atOnce, type Pieces } from '@keelson/api/pieces';
import { expect, it } from 'vitest';
import { pauseFor, Slices, workOn } from './pieces.ts';

/** A clock that goes on by so much with each piece. */
function timed(pieceMs: number) {
  let now = 0;
  const done: string[] = [];
  const work = function* (name: string, pieces: number): Pieces<string> {
    for (let i = 1; i <= pieces; i++) {
      now += pieceMs;
      done.push(`${name}${i}`);
      yield;
    }
    return name;
  };
  return { slices: new Slices(() => now), done, work };
}

it('gives a turn to others after each slice, which ends with the piece that is over its time', async () => {
  const { slices, done, work } = timed(4);
  const result = slices.do(work('a', 7));
  const perTurn: number[] = [];
  while (done.length < 7) {
    const before = done.length;
    await turn();
    perTurn.push(done.length - before);
  }
  expect(perTurn.filter((pieces) => pieces > 0)).toEqual([3, 3, 1]);
  expect(await result).toBe('a');
});

it('does one slice in a turn, whatever is under way', async () => {
  const { slices, done, work } = timed(10);
  const all = Promise.all([slices.do(work('a', 3)), slices.do(work('b', 1)), slices.do(work('c', 2))]);
  for (let turns = 1; done.length < 6; turns++) {
    await turn();
    expect(done.length).toBeLessThanOrEqual(turns);
  }
  expect(done).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
  expect(await all).toEqual(['a', 'b', 'c']);
});

it('goes on with others where work fails', async () => {
  const { slices, work } = timed(10);
  const failing = (function* (): Pieces<void> {
    yield;
    throw new Error('no');
  })();
  const results = await Promise.allSettled([slices.do(failing), slices.do(work('a', 2))]);
  expect(results).toEqual([
    { status: 'rejected', reason: new Error('no') },
    { status: 'fulfilled', value: 'a' },
  ]);
});

it('does without breaks what nobody waits beside', () => {
  const { done, work } = timed(100);
  expect(atOnce(work('a', 3))).toBe('a');
  expect(done).toEqual(['a1', 'a2', 'a3']);
});

it('pauses between steps on what is large, and on nothing else', async () => {
  expect(pauseFor(1000)).toBeUndefined();
  let others = 0;
  setImmediate(() => others++);
  await pauseFor(1_000_000);
  expect(others).toBe(1);
});

it('gives each of those who pause a turn of their own', async () => {
  const done: number[] = [];
  const all = [1, 2, 3].map((i) => pauseFor(1_000_000)!.then(() => done.push(i)));
  for (let turns = 1; done.length < 3; turns++) {
    await turn();
    expect(done.length).toBeLessThanOrEqual(turns);
  }
  await Promise.all(all);
});

it('does work on little at once, on much in slices', async () => {
  const { work } = timed(10);
  expect(workOn(1000, work('a', 3))).toBe('a');
  const large = workOn(1_000_000, work('b', 3));
  expect(large).toBeInstanceOf(Promise);
  expect(await large).toBe('b');
});

it('does at once what is short, and the rest of what is long in slices', async () => {
  const { slices, done, work } = timed(1);
  expect(slices.soon(work('a', 1))).toBe('a');
  const long = slices.soon(work('b', 14));
  expect(done).toEqual(['a1', 'b1', 'b2']);
  const perTurn: number[] = [];
  while (done.length < 15) {
    const before = done.length;
    await turn();
    perTurn.push(done.length - before);
  }
  expect(perTurn.filter((pieces) => pieces > 0)).toEqual([10, 2]);
  expect(await long).toBe('b');
});
