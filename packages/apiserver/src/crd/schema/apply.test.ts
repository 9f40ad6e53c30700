import { type ApplySchema, ATOMIC, DEDUCED, memberSchema } from '@keelson/api/apply/schema';
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import { expect, test } from 'vitest';
import { rootSchema, specSchema } from './testing.ts';

function at(schema: ApplySchema | undefined, ...path: string[]): ApplySchema | undefined {
  return path.reduce<ApplySchema | undefined>((s, name) => s?.map && memberSchema(s.map, name), schema);
}

const text = { type: 'string' } as const;
const spec = (schema: JSONSchemaProps) => at(specSchema(schema).apply, 'spec');

test.each<[JSONSchemaProps, string | undefined]>([
  [text, 'string'],
  [{ ...text, format: 'byte' }, 'string'],
  [{ ...text, format: 'date' }, 'untyped'],
  [{ type: 'integer' }, 'numeric'],
  [{ type: 'boolean' }, 'boolean'],
  [{ 'x-kubernetes-int-or-string': true }, 'untyped'],
  [{ type: 'object' }, undefined],
])('%j is a scalar: %s', (schema, scalar) => expect(spec(schema)?.scalar).toBe(scalar));

test('metadata is known', () => {
  expect(at(specSchema(text).apply, 'metadata', 'labels', 'x')?.scalar).toBe('string');
  expect(at(specSchema(text).apply, 'metadata', 'nope')).toBeUndefined();
  expect(at(specSchema(text).apply, 'kind')?.scalar).toBe('string');
});

test('lists', () => {
  const items: JSONSchemaProps = { type: 'object', properties: { k: text, p: { ...text, default: 'TCP' } } };
  const list = (type?: string, keys?: string[]) =>
    spec({
      type: 'array',
      items,
      ...(type && { 'x-kubernetes-list-type': type }),
      ...(keys && { 'x-kubernetes-list-map-keys': keys }),
    })?.list;
  expect(list()?.atomic).toBe(true);
  expect(list('set')).toMatchObject({ atomic: false, keys: [] });
  expect(list('map', ['p', 'k'])).toMatchObject({
    atomic: false,
    keyNames: ['p', 'k'],
    keys: [
      { name: 'k', default: undefined },
      { name: 'p', default: 'TCP' },
    ],
  });
});

test('members', () => {
  const properties = { a: text };
  expect(at(spec({ type: 'object', properties }), 'b')).toBeUndefined();
  expect(at(spec({ type: 'object' }), 'b')).toBe(DEDUCED);
  expect(at(spec({ type: 'object', additionalProperties: false }), 'b')).toBeUndefined();
  expect(at(spec({ type: 'object', additionalProperties: { type: 'integer' } }), 'b')?.scalar).toBe('numeric');
  expect(spec({ type: 'object', properties, 'x-kubernetes-map-type': 'atomic' })?.map?.atomic).toBe(true);
  const preserving = spec({
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
    properties: { known: { type: 'object', properties } },
  });
  expect(at(preserving, 'b')).toBe(DEDUCED);
  expect(at(preserving, 'known', 'b')).toBe(DEDUCED);
  expect(spec({ 'x-kubernetes-preserve-unknown-fields': true })?.list?.element).toBe(ATOMIC);
});

test('without a schema all is deduced', () => {
  expect(at(rootSchema(undefined as never).apply, 'metadata')).toBe(DEDUCED);
});
