import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  difference,
  EMPTY,
  type FieldSet,
  has,
  intersection,
  parseFieldSet,
  paths,
  recursiveDifference,
  setOf,
  showPath,
  union,
} from './fieldset.ts';

const a = ['f:a'];
const ab = ['f:a', 'f:b'];
const abc = ['f:a', 'f:b', 'f:c'];
const d = ['f:d'];

test('a tree', () => {
  expect(setOf(abc, a, d)).toEqual({ 'f:a': { '.': {}, 'f:b': { 'f:c': {} } }, 'f:d': {} });
  expect([a, ab, abc, d].map((path) => has(setOf(abc, a, d), path))).toEqual([true, false, true, true]);
});

test.each<[string, FieldSet, FieldSet]>([
  ['difference leaves children', difference(setOf(a, abc), setOf(a)), setOf(abc)],
  ['difference leaves parents', difference(setOf(a, abc), setOf(abc)), setOf(a)],
  ['difference drops what is empty', difference(setOf(abc), setOf(abc)), EMPTY],
  ['recursive difference takes children', recursiveDifference(setOf(a, abc, d), setOf(ab)), setOf(a, d)],
  ['recursive difference takes all', recursiveDifference(setOf(a, abc), setOf(a)), EMPTY],
  ['intersection', intersection(setOf(a, ab, d), setOf(ab, abc, d)), setOf(ab, d)],
  ['union', union(setOf(ab), setOf(a, abc)), setOf(a, ab, abc)],
])('%s', (_, actual, expected) => {
  expect(JSON.stringify(actual)).toBe(JSON.stringify(expected));
});

test('what does not change is shared', () => {
  const set = setOf(a, abc, d);
  expect(difference(set, setOf(['f:x'], ['f:a', 'f:x']))).toBe(set);
  expect(union(set, setOf(abc))).toBe(set);
  expect(difference(set, setOf(d))['f:a']).toBe(set['f:a']);
});

const path = fc.array(fc.constantFrom('f:a', 'f:b', 'k:{"n":1}', 'k:{"n":"x"}', 'v:2', 'i:0'), {
  minLength: 1,
  maxLength: 4,
});
const set = fc.array(path, { maxLength: 8 });
const texts = (s: FieldSet) => new Set([...paths(s)].map((p) => p.join('/')));

test('the operations are those of sets of paths', () => {
  fc.assert(
    fc.property(set, set, (left, right) => {
      const [x, y] = [setOf(...left), setOf(...right)];
      const [l, r] = [left, right].map((all) => all.map((p) => p.join('/'))) as [string[], string[]];
      const below = (p: string) => r.some((q) => p === q || p.startsWith(`${q}/`));
      expect(texts(union(x, y))).toEqual(new Set([...l, ...r]));
      expect(texts(intersection(x, y))).toEqual(new Set(l.filter((p) => r.includes(p))));
      expect(texts(difference(x, y))).toEqual(new Set(l.filter((p) => !r.includes(p))));
      expect(texts(recursiveDifference(x, y))).toEqual(new Set(l.filter((p) => !below(p))));
      for (const s of [x, union(x, y), difference(x, y), intersection(x, y)]) expect(parseFieldSet(s)).toBe(s);
    }),
  );
});

test.each<[unknown, FieldSet]>([
  [null, {}],
  [{ '.': {}, 'f:a': null }, { 'f:a': {} }],
  [{ 'f:a': { '.': {} } }, { 'f:a': {} }],
  [
    { 'f:b': {}, 'f:a': { 'f:c': {}, '.': 5 } },
    { 'f:a': { '.': {}, 'f:c': {} }, 'f:b': {} },
  ],
  [{ 'z:a': {}, 'f:a': { 'z:b': {} } }, { 'f:a': {} }],
  [{ 'k:{"b":1,"a":2}': {} }, { 'k:{"a":2,"b":1}': {} }],
])('parses %j', (fields, expected) => {
  expect(JSON.stringify(parseFieldSet(fields))).toBe(JSON.stringify(expected));
});

test.each([[1], [{ bad: {} }], [{ 'f:a': 1 }], [{ 'f:a': [] }]])('%j is no set', (fields) => {
  expect(() => parseFieldSet(fields)).toThrow(expect.objectContaining({ name: 'FieldsError' }));
});

test('a path shows the members of a level before what is below', () => {
  const s = setOf(['f:a', 'k:{"name":"x"}', 'f:b'], ['f:z'], ['f:a', 'k:{"name":"x"}']);
  expect([...paths(s)].map(showPath)).toEqual(['.z', '.a[name="x"]', '.a[name="x"].b']);
});
