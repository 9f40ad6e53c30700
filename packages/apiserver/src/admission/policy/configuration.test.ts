import { applySchemaOf } from '@keelson/api/apply/schema';
import { validate } from '@keelson/api/apply/validate';
import { structType } from '@keelson/api/schema';
import { ArrayList, Duration, OptionalValue, Timestamp, type Value, ValueMap } from '@keelson/cel';
import { expect, test } from 'vitest';
import { configurationOf } from './configuration.ts';

const CONFIG_MAP = applySchemaOf(structType('io.k8s.api.core.v1.ConfigMap'));
const object = (...entries: [string, Value][]) => new ValueMap(entries);
const SECOND = 1_000_000_000n;

test.each([
  ['optionals', object(['a', new OptionalValue('x')], ['b', OptionalValue.NONE]), { a: 'x', b: null }],
  ['numbers', object(['a', 1n], ['b', 1.5], ['c', true]), { a: 1, b: 1.5, c: true }],
  ['nested', object(['a', object(['b', 'c'])]), { a: { b: 'c' } }],
])('%s', (_, value, expected) => expect(configurationOf(value)).toEqual(expected));

test.each([
  [object(['data', null]), '.data: expected map, got &{NULL_VALUE}'],
  [object(['data', object(['a', null])]), '.data.a: expected string, got &value.valueUnstructured{Value:0}'],
  [object(['immutable', null]), '.immutable: expected boolean, got &{NULL_VALUE}'],
  [
    object(['data', object(['a', Buffer.from('xyz')])]),
    '.data.a: expected string, got &value.valueUnstructured{Value:[]uint8{0x78, 0x79, 0x7a}}',
  ],
  [
    object(['data', object(['a', new Duration(SECOND)])]),
    '.data.a: expected string, got &value.valueUnstructured{Value:1000000000}',
  ],
  [
    object(['data', object(['a', new Timestamp(1_577_836_800n * SECOND)])]),
    '.data.a: expected string, got &value.valueUnstructured{Value:time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)}',
  ],
  [
    object(['metadata', object(['finalizers', new ArrayList([null])])]),
    '.metadata.finalizers[={{undefined}}]: expected string, got &value.valueUnstructured{Value:0}',
  ],
])('what JSON has no form for fits no schema: %#', (value, message) =>
  expect(() => validate(configurationOf(value), CONFIG_MAP, 'forbidden')).toThrow(message),
);

test('keys of maps are strings', () => {
  expect(() => configurationOf(new ValueMap([[1n, 'a']]))).toThrow('map key is of type int, not string');
});
