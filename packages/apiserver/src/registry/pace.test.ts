import { expect, it } from 'vitest';
import { Pace } from './pace.ts';

it('gives a turn to others whenever so many bytes have been worked on', async () => {
  const pace = new Pace();
  let turns = 0;
  const turnsAfter = async (bytes: number) => {
    const before = turns;
    setImmediate(() => turns++);
    await pace.after(bytes);
    return turns - before;
  };
  expect(await turnsAfter(200_000)).toBe(0);
  expect(await turnsAfter(200_000)).toBeGreaterThan(0);
});
