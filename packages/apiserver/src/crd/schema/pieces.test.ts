import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import type { Pieces } from '@keelson/api/pieces';
import { expect, test } from 'vitest';
import { specSchema, widget } from './testing.ts';

const text = { type: 'string', minLength: 1 } as const;
const item: JSONSchemaProps = { type: 'object', properties: { name: text, port: { type: 'integer', minimum: 1 } } };
const resource: JSONSchemaProps = { type: 'object', 'x-kubernetes-embedded-resource': true };
const MANY = 15_000;

function piecesOf(work: Pieces<unknown>): number {
  let pieces = 1;
  while (!work.next().done) pieces++;
  return pieces;
}

const items = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `a-${i}`, port: i + 1 }));

// A piece has 256 steps: what there is to do is in its schema once, twice, or, where rules are asked of each, more often.
test.each<[string, JSONSchemaProps, (count: number) => unknown]>([
  ['a list', { type: 'array', items: item }, items],
  [
    'a list that is a map',
    { type: 'array', items: item, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
    items,
  ],
  [
    'a set',
    { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
    (count) => items(count).map(({ name }) => name),
  ],
  [
    'a map',
    { type: 'object', additionalProperties: text },
    (count) => Object.fromEntries(items(count).map(({ name }) => [name, name])),
  ],
  ['rules', { type: 'array', items: { ...item, 'x-kubernetes-validations': [{ rule: 'self.port > 0' }] } }, items],
  [
    'resources',
    { type: 'array', items: resource },
    (count) => items(count).map((metadata) => ({ apiVersion: 'v1', kind: 'Pod', metadata })),
  ],
])('large values are judged in pieces, small ones in one: %s', (_, spec, make) => {
  const schema = specSchema(spec);
  const [large, small] = [widget(make(MANY)), widget(make(20))];
  expect(piecesOf(schema.validate(large))).toBeGreaterThan(MANY / 256);
  expect(piecesOf(schema.validateUpdate(large, structuredClone(large)))).toBeGreaterThan(MANY / 256);
  // Where the count stands when it begins is others' work.
  expect(piecesOf(schema.validate(small))).toBeLessThanOrEqual(2);
});

test('rules that cost much are evaluated in pieces', () => {
  const rules = Array.from({ length: 10 }, () => ({ rule: 'self.all(x, self.all(y, x.port + y.port > 0))' }));
  const schema = specSchema({ type: 'array', items: item, 'x-kubernetes-validations': rules });
  expect(piecesOf(schema.validate(widget(items(60))))).toBeGreaterThanOrEqual(rules.length);
});
