import { expect, it } from 'vitest';
import { DUAL, QUAD, SINGLE } from '../topology/testing.ts';
import { takeCpus } from './choose.ts';
import { formatCpus, parseCpus } from './set.ts';

it.each([
  ['none', SINGLE, '0-7', 0, ''],
  ['one', SINGLE, '0-7', 1, '0'],
  ['what is left of a core', SINGLE, '1,3,5-7', 1, '6'],
  ['a core', SINGLE, '0-7', 2, '0,4'],
  ['the only whole core', SINGLE, '0-3,6', 2, '2,6'],
  ['all', SINGLE, '0-7', 8, '0-7'],
  ['a socket', DUAL, '0-11', 6, '0,2,4,6,8,10'],
  ['what is left of a core in the fuller socket', DUAL, '1-5,7-11', 1, '2'],
  ['a socket and a core', DUAL, '0-11', 8, '0-2,4,6-8,10'],
  ['a socket of several nodes', QUAD, '0-79', 40, '0-19,40-59'],
  ['a node', QUAD, '0-79', 20, '0-9,40-49'],
  ['the other node of a socket', QUAD, '10-39,50-79', 20, '10-19,50-59'],
  ['a socket and a node', QUAD, '0-79', 60, '0-29,40-69'],
  ['whole nodes before others', QUAD, '1-39,41-79', 60, '10-39,50-79'],
])('takes %s', (_, machine, available, count, want) =>
  expect(formatCpus(takeCpus(machine, parseCpus(available), count))).toBe(want),
);

it('says how many there are where there are too few', () =>
  expect(() => takeCpus(SINGLE, parseCpus('0,2,4,6'), 5)).toThrow(
    'not enough cpus available to satisfy request: requested=5, available=4',
  ));

it.each([
  ['', ''],
  ['0', '0'],
  ['3,0-1,2', '0-3'],
  ['8,0-2,4', '0-2,4,8'],
])('%s is %s', (text, want) => expect(formatCpus(parseCpus(text))).toBe(want));

it.each([
  ['x', 'strconv.Atoi: parsing "x": invalid syntax'],
  ['3-1', 'invalid range "3-1" (1 < 3)'],
])('%s is no list', (text, message) => expect(() => parseCpus(text)).toThrow(message));
