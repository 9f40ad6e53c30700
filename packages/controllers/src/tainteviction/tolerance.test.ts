import type { Toleration } from '@keelson/api/generated/types/core/v1';
import { expect, test } from 'vitest';
import { toleranceSeconds } from './tolerance.ts';

const taints = ['a', 'b'].map((key) => ({ key, effect: 'NoExecute' }));
const tolerated = (key: string, tolerationSeconds?: number): Toleration => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
});

test.each<[string, Toleration[], number]>([
  ['nothing is tolerated', [], 0],
  ['one of two is not', [tolerated('a')], 0],
  ['both are', [tolerated('a'), tolerated('b')], Number.POSITIVE_INFINITY],
  ['the shorter time counts', [tolerated('a', 300), tolerated('b', 20)], 20],
  ['a time for one', [tolerated('a', 300), tolerated('b')], 300],
  ['no time at all', [tolerated('a', -5), tolerated('b')], 0],
  ['everything', [{ operator: 'Exists' }], Number.POSITIVE_INFINITY],
])('%s', (_, tolerations, expected) => {
  expect(toleranceSeconds(taints, tolerations)).toBe(expected);
});
