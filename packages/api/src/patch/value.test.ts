import { expect, test } from 'vitest';
import { compareStrings, sortedKeys } from '../codec/go-order.ts';
import { clone, equal } from './value.ts';

test('strings sort by code points', () => {
  const strings = ['\u{1f600}', '\uffee', 'b', 'a', '', 'ab', 'Z', '\ud7ff'];
  const expected = ['', 'Z', 'a', 'ab', 'b', '\ud7ff', '\uffee', '\u{1f600}'];
  expect([...strings].sort(compareStrings)).toEqual(expected);
  expect(sortedKeys(Object.fromEntries(strings.map((s) => [s, 1])))).toEqual(expected);
});

test.each<[unknown, unknown, boolean]>([
  [{ a: [1, { b: null }] }, { a: [1, { b: null }] }, true],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
  [{ a: null }, {}, false],
  [{ a: undefined }, { b: undefined }, false],
  [[1], [1, 2], false],
  [[], {}, false],
  [{}, [], false],
  [null, {}, false],
  ['1', 1, false],
])('equal %j %j', (a, b, expected) => {
  expect(equal(a, b)).toBe(expected);
});

test('a clone shares nothing and keeps __proto__', () => {
  const value = JSON.parse('{"a":[{"b":1}],"__proto__":{"c":1}}') as { a: object[] };
  const copy = clone(value);
  expect(JSON.stringify(copy)).toBe(JSON.stringify(value));
  expect(copy.a[0]).not.toBe(value.a[0]);
});
