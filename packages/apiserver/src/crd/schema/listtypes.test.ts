import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import { expect, test } from 'vitest';
import { specSchema, textsOf, widget } from './testing.ts';

const text = { type: 'string' } as const;
const set = (items: JSONSchemaProps): JSONSchemaProps => ({ type: 'array', items, 'x-kubernetes-list-type': 'set' });
const map = (...keys: string[]): JSONSchemaProps => ({
  type: 'array',
  items: { type: 'object', properties: { a: text, b: text, v: set(text) } },
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': keys,
});

test.each<[JSONSchemaProps, unknown, string[]]>([
  [set(text), ['a', 'b'], []],
  [set(text), ['a', 'b', 'a', 'a'], ['spec[2]: Duplicate value: "a"']],
  [
    set({ type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: text }),
    [{ a: '1' }, { a: '1' }],
    ['spec[1]: Duplicate value: {"a":"1"}'],
  ],
  [map('a'), [{ a: 'x' }, { a: 'y' }, { a: 'x', b: '1' }], ['spec[2]: Duplicate value: {"a":"x"}']],
  [map('a', 'b'), [{ a: 'x', b: '1' }, { a: 'x' }, { a: 'x' }], ['spec[2]: Duplicate value: {"a":"x"}']],
  [
    map('b', 'a'),
    [
      { a: 'x', b: '1' },
      { b: '1', a: 'x' },
    ],
    ['spec[1]: Duplicate value: {"a":"x","b":"1"}'],
  ],
  [map('a'), [{}, {}], ['spec[1]: Duplicate value: {}']],
  [map('a'), [{ a: 'x', v: ['q', 'q'] }], ['spec[0].v[1]: Duplicate value: "q"']],
  [{ type: 'object', additionalProperties: set(text) }, { 'k.x': ['a', 'a'] }, ['spec[k.x][1]: Duplicate value: "a"']],
])('%j of %j', (schema, value, expected) =>
  expect(textsOf(specSchema(schema).validate(widget(value)))).toEqual(expected),
);

test('what was wrong already is not asked again', () => {
  const schema = specSchema(set(text));
  expect(textsOf(schema.validateUpdate(widget(['a', 'a']), widget(['a'])))).toEqual(['spec[1]: Duplicate value: "a"']);
  expect(textsOf(schema.validateUpdate(widget(['a', 'a', 'b']), widget(['a', 'a'])))).toEqual([]);
});
