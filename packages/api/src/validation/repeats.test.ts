import { expect, it } from 'vitest';
import { repeatsIn } from './repeats.ts';

it.each<[(string | number)[], number[]]>([
  [[], []],
  [['a', 'b'], []],
  [
    ['a', 'b', 'a', 'a', 'b'],
    [2, 3, 4],
  ],
  [[1, '1', 1], [2]],
])('%j', (values, places) => expect([...repeatsIn(values)]).toEqual(places));
