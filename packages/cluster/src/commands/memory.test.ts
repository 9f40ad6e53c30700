import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { isWorthCollecting, startCollection } from './memory.ts';

const MIB = 2 ** 20;
const heap = { calmMs: 60_000, usedBytes: 40 * MIB, totalBytes: 200 * MIB, totalBytesThen: 60 * MIB };

it.each([
  ['a calm process that has grown', heap, true],
  ['one that has just started', { ...heap, calmMs: 2000, totalBytes: 39 * MIB, totalBytesThen: 0 }, true],
  ['one that has not grown since', { ...heap, totalBytes: 65 * MIB }, false],
  ['a busy one that has just started', { ...heap, calmMs: 0, totalBytesThen: 0 }, false],
  ['one that may soon be busy again', { ...heap, calmMs: 58_000 }, false],
  ['one whose heap is so large that collecting it takes long', { ...heap, usedBytes: 300 * MIB }, false],
])('%s', (_, state, worth) => expect(isWorthCollecting(state)).toBe(worth));

it('gives back what nobody refers to any more', async () => {
  let held: object[] | undefined = Array.from({ length: 400_000 }, (_, i) => ({ i, text: [i] }));
  const taken = process.memoryUsage().heapTotal;
  expect(held.length).toBe(400_000);
  held = undefined;
  await nextTurn();
  startCollection();
  await expect.poll(() => process.memoryUsage().heapTotal, { timeout: 5000 }).toBeLessThan(taken - 16 * MIB);
});
