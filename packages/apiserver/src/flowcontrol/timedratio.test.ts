import { expect, it } from 'vitest';
import { TimedRatio } from './timedratio.ts';

it('weighs each ratio with the time that it lasted', () => {
  const ratio = new TimedRatio([0, 0.5, 1], 1000);
  ratio.limit(4, 1000.5);
  ratio.add(2, 1001);
  ratio.add(1, 1003);
  ratio.set(8, 1004);
  ratio.limit(8, 1005);
  ratio.pass(1006.000_001);
  ratio.pass(1006);
  expect(ratio.weights).toEqual([1e6, 2e6, 1e6 + 1e6 + 1, 1e6]);
  expect(ratio.sum).toBe(0.5 * 2e6 + 0.75 * 1e6 + 2 * 1e6 + 1e6 + 1);
});
