import { expect, it } from 'vitest';
import { DUAL, QUAD } from '../topology/testing.ts';
import { takeCpus } from './choose.ts';
import { distributeCpus } from './distribute.ts';
import { formatCpus, parseCpus } from './set.ts';

it.each([
  ['one node, where it has enough', QUAD, '0-79', 20, 1, '0-9,40-49'],
  ['as much of two', QUAD, '0-79', 24, 1, '0-5,10-15,40-45,50-55'],
  ['as much of three', QUAD, '0-79', 48, 1, '0-7,10-17,20-27,40-47,50-57,60-67'],
  ['the rest of some of them', QUAD, '0-79', 25, 1, '0-6,10-15,40-45,50-55'],
  ['the rest in whole cores', QUAD, '0-79', 26, 2, '0-6,10-15,40-46,50-55'],
  ['other than whole cores as if it were nothing', QUAD, '0-79', 25, 2, '0-12,40-51'],
  ['nodes that have more left', QUAD, '4-79', 24, 1, '10-15,20-25,50-55,60-65'],
  ['all there is', DUAL, '0-11', 12, 1, '0-11'],
])('takes %s', (_, machine, available, count, group, want) =>
  expect(formatCpus(distributeCpus(machine, parseCpus(available), count, group))).toBe(want),
);

it('says how many there are where there are too few', () =>
  expect(() => distributeCpus(DUAL, parseCpus('0-3'), 5, 1)).toThrow(
    'not enough cpus available to satisfy request: requested=5, available=4',
  ));

it.each([
  ['a cache', '0-79', 10, '0-4,40-44'],
  ['cores of one', '0-79', 6, '0-2,40-42'],
  ['threads of one', '0-79', 5, '0-2,40-41'],
  ['whole caches and cores of another', '0-79', 14, '0-6,40-46'],
  ['one in which there is room', '4-79', 10, '5-9,45-49'],
  ['others, where there is none', '0-1,5-6,10-11,15-16', 6, '0-1,5-6,10-11'],
])('takes CPUs of %s', (_, available, count, want) =>
  expect(formatCpus(takeCpus(QUAD, parseCpus(available), count, true))).toBe(want),
);
