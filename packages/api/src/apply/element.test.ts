import { expect, test } from 'vitest';
import {
  canonicalElement,
  compareElements,
  inOrderOfElements,
  keyElement,
  SELF,
  showElement,
  valueElement,
} from './element.ts';

test.each<[string, string | undefined]>([
  ['f:a/b"c', 'f:a/b"c'],
  ['k:{"b":1,"a":"x"}', 'k:{"a":"x","b":1}'],
  ['k:{ "a" : 1.0 }', 'k:{"a":1}'],
  ['v:"<&>"', 'v:"\\u003c\\u0026\\u003e"'],
  ['v:"\\b\\\\b"', 'v:"\\u0008\\\\b"'],
  ['v:1e-7', 'v:1e-07'],
  ['i:+01', 'i:1'],
  ['z:later', undefined],
])('canonical %s', (element, expected) => {
  expect(canonicalElement(element)).toBe(expected);
});

test.each(['x', 'ab', 'k:[1]', 'k:', 'v:', 'v:x', 'i:x', ''])('%j is no element', (element) => {
  expect(() => canonicalElement(element)).toThrow(expect.objectContaining({ name: 'FieldsError' }));
});

test('order: fields, keys, values, indices, each by content', () => {
  const sorted = [
    SELF,
    'f:Z',
    'f:a',
    'f:a.b',
    'f:\uffee',
    'f:\u{1f600}',
    keyElement([['a', 2]]),
    keyElement([['a', 10]]),
    keyElement([['a', 'x']]),
    keyElement([['a', true]]),
    keyElement([
      ['a', true],
      ['b', 1],
    ]),
    keyElement([['a', null]]),
    keyElement([['b', 1]]),
    valueElement(9),
    valueElement(10),
    valueElement('a'),
    valueElement(false),
    valueElement(true),
    'i:2',
    'i:10',
  ];
  expect([...sorted].reverse().sort(compareElements)).toEqual(sorted);
});

test('order: items by one name', () => {
  const names = ['', ' ', 'A', 'a', 'a ', 'a!', 'a"', 'a-', 'a.b', 'a/b', 'a0', 'aa', 'a\u{1f600}', 'b'];
  const byFirst = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const elements = ['name', 'name-a'].flatMap((key) => byFirst.map((name) => keyElement([[key, name]])));
  expect([...elements].reverse().sort(compareElements)).toEqual(elements);
  for (const few of [elements, elements.filter((element) => !/[ !\\\u{1f600}]/u.test(element))])
    expect(inOrderOfElements([...few].reverse().map((element) => [element] as const))).toEqual(few.map((e) => [e]));
});

test.each([
  ['f:a.b', '.a.b'],
  ['k:{"port":80,"protocol":"TCP"}', '[port=80,protocol="TCP"]'],
  ['v:"a"', '[="a"]'],
  ['v:null', '[=null]'],
  ['i:3', '[3]'],
])('%s shows as %s', (element, text) => {
  expect(showElement(element)).toBe(text);
});
