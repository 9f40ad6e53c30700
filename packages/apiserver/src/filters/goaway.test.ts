import { expect, test } from 'vitest';
import type { RequestContext } from '../context.ts';
import { goaway } from './goaway.ts';

test.each([
  ['2', 0.001, true],
  ['2', 0.02, false],
  ['1.1', 0.001, false],
])('HTTP/%s, when chance has it that %f: the connection ends: %s', async (httpVersion, random, expected) => {
  let isLast = false;
  const endConnection = () => {
    isLast = true;
  };
  const ctx = { exchange: { httpVersion, endConnection } } as unknown as RequestContext;
  let served = false;
  await goaway(0.01, () => random)(ctx, async () => {
    served = true;
  });
  expect(served).toBe(true);
  expect(isLast).toBe(expected);
});
