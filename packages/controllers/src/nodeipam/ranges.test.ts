import { parseCIDRSloppy } from '@keelson/api/ip';
import { expect, test } from 'vitest';
import { Ranges } from './ranges.ts';

const ranges = (whole: string, bits: number) => new Ranges(parseCIDRSloppy(whole)!, bits);

test('parts come one after the other, then those that were given back', () => {
  const four = ranges('10.0.0.0/22', 24);
  expect([four.take(), four.take(), four.take(), four.take(), four.take()]).toEqual([
    '10.0.0.0/24',
    '10.0.1.0/24',
    '10.0.2.0/24',
    '10.0.3.0/24',
    undefined,
  ]);
  four.release('10.0.1.0/24');
  expect([four.take(), four.take()]).toEqual(['10.0.1.0/24', undefined]);
});

test('what nodes have is not given again; what lies elsewhere does not matter', () => {
  const four = ranges('10.0.0.0/22', 24);
  for (const taken of ['10.0.0.0/23', '192.168.0.0/24', 'fd00::/64', 'nonsense']) four.occupy(taken);
  expect([four.take(), four.take(), four.take()]).toEqual(['10.0.2.0/24', '10.0.3.0/24', undefined]);
});

test('IPv6', () => {
  const two = ranges('fd00:0:0:2::/63', 64);
  expect([two.take(), two.take(), two.take()]).toEqual(['fd00:0:0:2::/64', 'fd00:0:0:3::/64', undefined]);
  expect(() => ranges('fd00::/32', 64)).toThrow('more than');
  expect(() => ranges('10.0.0.0/24', 22)).toThrow('do not fit');
});
