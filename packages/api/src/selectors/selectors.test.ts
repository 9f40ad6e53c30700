import { expect, test } from 'vitest';
import { parseFieldSelector } from './fields.ts';
import { NOTHING, parseLabelSelector, selectorOfObject } from './labels.ts';

test.each([
  ['', {}, true],
  ['a=b', { a: 'b' }, true],
  ['a==b', { a: 'c' }, false],
  ['a!=b', {}, true],
  ['a', { a: '' }, true],
  ['!a', { a: '' }, false],
  ['!a', { toString: 'x' }, true],
  ['a in (x, y)', { a: 'y' }, true],
  ['a in ()', { a: '' }, true],
  ['a notin (x,)', { a: '' }, false],
  ['a>1,a<10', { a: '5' }, true],
  ['a>1', { a: 'x' }, false],
  ['a>1', { a: '99999999999999999999' }, false],
  ['in in (in)', { in: 'in' }, true],
  ['a=', { a: '' }, true],
])('label selector %j on %j: %j', (text, labels, matches) => {
  expect(parseLabelSelector(text).matches(labels)).toBe(matches);
});

test.each([
  ['a===b', "unable to parse requirement: found '=', expected: identifier"],
  ['a b=c', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
  ['a=b c', "found 'c', expected: ',' or 'end of string'"],
  ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
  ['a in b', "unable to parse requirement: found 'b' expected: '('"],
  ['!a=b', "found '=', expected: ',' or 'end of string'"],
  ['a=b,', "found '', expected: identifier after ','"],
  ['=', "found '=', expected: !, identifier, or 'end of string'"],
  [
    'a>x',
    "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
  ],
])('label selector %j is refused', (text, message) => {
  expect(() => parseLabelSelector(text)).toThrow(message);
});

test('selector objects: absent matches nothing, empty everything, the rest is told in the query form', () => {
  expect(selectorOfObject(undefined)).toBe(NOTHING);
  expect(NOTHING.matches({})).toBe(false);
  expect(selectorOfObject({}).matches({ a: 'b' })).toBe(true);
  const selector = selectorOfObject({
    matchLabels: { z: '1' },
    matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['y', 'x'] }],
  });
  expect(String(selector)).toBe('a notin (x,y),z=1');
});

test.each([
  [{ key: 'a', operator: 'In' }, "values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty"],
  [
    { key: 'a', operator: 'Exists', values: ['y', 'x'] },
    'values: Invalid value: ["y","x"]: values set must be empty for exists and does not exist',
  ],
  [{ key: 'a', operator: 'Gt', values: ['1'] }, '"Gt" is not a valid label selector operator'],
])('selector expression %j is refused', (expression, message) => {
  expect(() => selectorOfObject({ matchExpressions: [expression] })).toThrow(message);
});

test.each([
  ['metadata.name=a', { 'metadata.name': 'a' }, true],
  ['a!=b', {}, true],
  ['a=b,', { a: 'b' }, true],
  ['a=b\\,c', { a: 'b,c' }, true],
  ['a==', {}, true],
  ['=', { a: 'b' }, true],
])('field selector %j on %j: %j', (text, fields, matches) => {
  expect(parseFieldSelector(text).matches(fields)).toBe(matches);
});

test.each([
  ['abc', "invalid selector: 'abc'; can't understand 'abc'"],
  ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
  ['a=\\x', 'invalid field selector: invalid escape sequence: \\x'],
  ['a=\\', 'invalid field selector: invalid escape sequence: \\'],
])('field selector %j is refused', (text, message) => {
  expect(() => parseFieldSelector(text)).toThrow(message);
});
