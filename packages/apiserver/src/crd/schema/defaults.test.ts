import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import { expect, test } from 'vitest';
import { rootSchema, specSchema, widget } from './testing.ts';

const text: JSONSchemaProps = { type: 'string', default: 'd' };
const object = (properties: Record<string, JSONSchemaProps>, more: JSONSchemaProps = {}): JSONSchemaProps => ({
  type: 'object',
  properties,
  ...more,
});

test.each<[JSONSchemaProps, unknown, unknown]>([
  [object({ a: text }), {}, { a: 'd' }],
  [object({ a: text }), { a: 'x' }, { a: 'x' }],
  [object({ a: text }), { a: null }, { a: 'd' }],
  [object({ a: { ...text, nullable: true } }), { a: null }, { a: null }],
  [object({ a: { type: 'string', default: null as never } }), {}, {}],
  [object({ o: object({ a: text }) }), {}, {}],
  [object({ o: object({ a: text }, { default: {} }) }), {}, { o: { a: 'd' } }],
  [{ type: 'array', items: object({ a: text }) }, [{}, { a: 'x' }], [{ a: 'd' }, { a: 'x' }]],
  [{ type: 'array', items: text }, [null], ['d']],
  [{ type: 'object', additionalProperties: object({ a: text }) }, { k: {} }, { k: { a: 'd' } }],
  [object({ l: { type: 'array', items: { type: 'integer' }, default: [1] } }), {}, { l: [1] }],
])('%j completes %j', (schema, given, expected) => {
  const it = widget(given);
  specSchema(schema).applyDefaults(it);
  expect(it).toEqual(widget(expected));
});

test('defaults are not shared, and hold nothing that the schema does not know', () => {
  const schema = rootSchema(object({ spec: object({ a: text }, { default: { a: 'x', unknown: 1 } }) }));
  const [first, second] = [widget(null), widget(null)];
  schema.applyDefaults(first);
  (first.spec as { a: string }).a = 'changed';
  schema.applyDefaults(second);
  expect(second.spec).toEqual({ a: 'x' });
});

test('defaults of metadata of resources hold nothing that metadata does not', () => {
  const unknown = { name: 'x', unknown: 'y' };
  const embedded = (more: JSONSchemaProps) => ({ 'x-kubernetes-embedded-resource': true, ...more });
  const meta = object({ name: text, unknown: text }, { default: {} });
  const schema = specSchema(
    object({
      inside: object({ metadata: meta }, embedded({ default: {} })),
      whole: object({ metadata: { type: 'object', default: unknown } }, embedded({ default: {} })),
      outside: object({ o: object({}, embedded({})) }, { default: { o: { metadata: unknown } } }),
    }),
  );
  const it = widget({});
  schema.applyDefaults(it);
  expect(it.spec).toEqual({
    inside: { metadata: { name: 'd' } },
    whole: { metadata: { name: 'x' } },
    outside: { o: { metadata: { name: 'x' } } },
  });
});

test('members stand in the order of their names', () => {
  const it = widget({ b: 'x' });
  specSchema(object({ c: text, a: text, b: text })).applyDefaults(it);
  expect(Object.keys(it.spec as object)).toEqual(['a', 'b', 'c']);
});
