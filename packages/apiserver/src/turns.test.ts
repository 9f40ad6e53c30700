import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Turns } from './turns.ts';

/** Takes as many places as there are names; says who has worked so far. */
function workers(turns: Turns, work: () => void = () => {}) {
  const done: number[] = [];
  let last = 0;
  const add = (count: number) => {
    for (let i = 0; i < count; i++) {
      const number = ++last;
      void turns.take().then(() => {
        work();
        done.push(number);
      });
    }
  };
  return { done, add };
}

it('lets those who came in one turn work at its end, in their order', async () => {
  const { done, add } = workers(new Turns(() => 0));
  add(3);
  await Promise.resolve();
  expect(done).toEqual([]);
  await turn();
  expect(done).toEqual([1, 2, 3]);
  add(3);
  await turn();
  await turn();
  expect(done).toEqual([1, 2, 3, 4, 5, 6]);
});

it('gives the rest of those who came together before a turn to come, and another while there are more of them', async () => {
  const { done, add } = workers(new Turns(() => 0));
  const inTurns = async (...added: number[]) => {
    const from = done.length;
    const workedIn: number[] = [];
    for (let i = 0; i < 6; i++) {
      if (added[i]) add(added[i]!);
      await turn();
      workedIn.push(done.length - from);
    }
    return workedIn;
  };
  expect(await inTurns(4)).toEqual([4, 4, 4, 4, 4, 4]);
  expect(await inTurns(1, 3)).toEqual([0, 4, 4, 4, 4, 4]);
  expect(await inTurns(1, 1, 2)).toEqual([0, 0, 4, 4, 4, 4]);
  expect(await inTurns(1, 1)).toEqual([0, 0, 2, 2, 2, 2]);
  expect(await inTurns(1)).toEqual([0, 1, 1, 1, 1, 1]);
  expect(await inTurns(1)).toEqual([1, 1, 1, 1, 1, 1]);
});

it('lets fewer work in one turn where they hold it up, and more again where they do not', async () => {
  let now = 0;
  let costMs = 1;
  const { done, add } = workers(new Turns(() => now), () => {
    now += costMs;
  });
  const perTurn = async () => {
    const before = done.length;
    await turn();
    return done.length - before;
  };
  add(400);
  expect([await perTurn(), await perTurn(), await perTurn()]).toEqual([8, 16, 16]);
  costMs = 0.1;
  expect([await perTurn(), await perTurn(), await perTurn(), await perTurn()]).toEqual([16, 32, 64, 64]);
  costMs = 0.5;
  expect([await perTurn(), await perTurn(), await perTurn(), await perTurn()]).toEqual([64, 32, 32, 32]);
});
