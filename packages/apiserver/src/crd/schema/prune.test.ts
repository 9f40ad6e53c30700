import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import { expect, test } from 'vitest';
import { specSchema, widget } from './testing.ts';

const text = { type: 'string' } as const;
const known: JSONSchemaProps = { type: 'object', properties: { a: text } };

test.each<[JSONSchemaProps, unknown, unknown, string[]]>([
  [known, { a: 'x', z: 1, b: { c: 2 } }, { a: 'x' }, ['spec.b', 'spec.z']],
  [{ type: 'array', items: known }, [{ a: 'x', b: 1 }, 1, { c: 2 }], [{ a: 'x' }, 1, {}], ['spec[0].b', 'spec[2].c']],
  [{ type: 'object', additionalProperties: known }, { 'k.x': { a: '', b: 1 } }, { 'k.x': { a: '' } }, ['spec.k.x.b']],
  [{ type: 'object', additionalProperties: true }, { a: 1, b: { c: 1 } }, { a: 1, b: {} }, ['spec.b.c']],
  [
    { ...known, 'x-kubernetes-preserve-unknown-fields': true, properties: { a: text, known } },
    { b: { c: 1 }, known: { a: '', b: 1 } },
    { b: { c: 1 }, known: { a: '' } },
    ['spec.known.b'],
  ],
  [
    { ...known, 'x-kubernetes-embedded-resource': true },
    { apiVersion: 'v1', kind: 'A', metadata: { name: 'x' }, a: 'x', b: 1 },
    { apiVersion: 'v1', kind: 'A', metadata: { name: 'x' }, a: 'x' },
    ['spec.b'],
  ],
  [known, { metadata: {} }, {}, ['spec.metadata']],
  [known, { toString: 1, constructor: { a: 1 } }, {}, ['spec.constructor', 'spec.toString']],
  [known, { a: null }, {}, []],
  [{ type: 'object', properties: { a: { ...text, nullable: true } } }, { a: null }, { a: null }, []],
  [{ type: 'array', items: text }, [null], [null], []],
])('%j prunes %j', (schema, given, kept, dropped) => {
  const object = widget(given);
  expect(specSchema(schema).prune(object)).toEqual(dropped);
  expect(object).toEqual(widget(kept));
});

test('at the root', () => {
  const object = widget(1, { extra: 1 });
  expect(specSchema({ type: 'integer' }).prune(object)).toEqual(['extra']);
  expect(object).toEqual(widget(1));
});
