import { describe, expect, it } from 'vitest';
import { nestedPairs } from './nested-paths.ts';

it.each<[string, string[], [number, number][]]>([
  ['disjoint', ['a', 'b', 'ab', 'a-b'], []],
  [
    'the same',
    ['a', 'a', 'a'],
    [
      [1, 0],
      [2, 0],
      [2, 1],
    ],
  ],
  ['a folder before its file', ['a', 'a/b'], [[1, 0]]],
  [
    'a folder behind its files',
    ['a/b', 'a/c', 'a'],
    [
      [2, 0],
      [2, 1],
    ],
  ],
  [
    'several levels',
    ['a/b/c', 'a', 'd', 'a/b'],
    [
      [1, 0],
      [3, 0],
      [3, 1],
    ],
  ],
  ['what sorts between a folder and its files', ['a', 'a!b', 'a/b', 'a0'], [[2, 0]]],
  ['empty', ['', 'a', '', '/a'], []],
])('%s', (_, paths, pairs) => {
  expect([...nestedPairs(paths)]).toEqual(pairs);
});

describe('of many paths', () => {
  const isNested = (a: string, b: string) => `${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`);

  it('are all pairs that there are', () => {
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    for (let round = 0; round < 200; round++) {
      const paths = Array.from({ length: random(12) }, () =>
        Array.from({ length: 1 + random(3) }, () => 'ab-'[random(3)]).join('/'),
      );
      const expected = paths.flatMap((path, i) =>
        [...paths.slice(0, i).keys()].filter((j) => isNested(path, paths[j]!)).map((j) => [i, j]),
      );
      expect([...nestedPairs(paths)]).toEqual(expected);
    }
  });

  it.each<[string, (i: number) => string, number]>([
    ['disjoint ones', (i) => `file-${i}`, 0],
    ['pairs', (i) => (i % 2 === 0 ? `d${i}` : `d${i - 1}/f`), 10_000],
    ['files before their folder', (i) => (i < 19_999 ? `d/f${i}` : 'd'), 19_999],
  ])('are found in little time: %s', (_, path, count) => {
    const paths = Array.from({ length: 20_000 }, (__, i) => path(i));
    const start = performance.now();
    let found = 0;
    for (const _pair of nestedPairs(paths)) found++;
    expect(found).toBe(count);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
