import { expect, test } from 'vitest';
import type { ManagedFieldsEntry } from '../object.ts';
import { capUpdaters, decodeManaged, encodeManaged, identify, isReset } from './managed.ts';

const entry = (more: Partial<ManagedFieldsEntry>): ManagedFieldsEntry => ({
  manager: 'm',
  operation: 'Update',
  apiVersion: 'v1',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:a': {} },
  ...more,
});

test('appliers keep their identity over versions', () => {
  const writer = { manager: 'm', apiVersion: 'v1', subresource: 'status' };
  expect(identify({ ...writer, operation: 'Update' })).toBe(
    '{"manager":"m","operation":"Update","apiVersion":"v1","subresource":"status"}',
  );
  expect(identify({ ...writer, operation: 'Apply' })).toBe(
    '{"manager":"m","operation":"Apply","subresource":"status"}',
  );
});

test('entries sort by operation, time, manager, version, subresource', () => {
  const sorted = [
    entry({ operation: 'Apply', time: '2026-01-02T00:00:00Z' }),
    entry({ manager: 'z' }),
    entry({ time: '2026-01-01T00:00:00Z', manager: 'a' }),
    entry({ time: '2026-01-01T00:00:00Z', manager: 'b' }),
    entry({ time: '2026-01-01T00:00:00Z', manager: 'b', apiVersion: 'v2' }),
    entry({ time: '2026-01-01T00:00:00Z', manager: 'b', apiVersion: 'v2', subresource: 'status' }),
    entry({ time: '2026-01-02T00:00:00Z', manager: 'a', apiVersion: 'v0' }),
  ];
  const encoded = encodeManaged(decodeManaged([...sorted].reverse()));
  expect(encoded).toEqual(sorted);
  expect(Object.keys(encoded![6]!)).toEqual(['manager', 'operation', 'apiVersion', 'time', 'fieldsType', 'fieldsV1']);
});

test.each<[Partial<ManagedFieldsEntry>, string]>([
  [{ operation: 'Foo' as 'Apply' }, 'operation must be `Apply` or `Update`'],
  [{ apiVersion: '' }, 'apiVersion must not be empty'],
  [{ fieldsType: '' }, 'missing fieldsType in managed fields entry 0'],
  [{ fieldsType: 'FieldsV2' }, 'invalid fieldsType "FieldsV2" in managed fields entry 0'],
  [{ fieldsV1: { bad: {} } }, 'missing colon: bad'],
])('%j', (more, message) => {
  expect(() => decodeManaged([entry(more)])).toThrow(message);
});

test.each<[unknown, boolean]>([
  [[], true],
  [[{}], true],
  [[{}, {}], false],
  [null, false],
  [undefined, false],
  [[entry({})], false],
])('%j resets: %s', (entries, expected) => {
  expect(isReset(entries)).toBe(expected);
});

test('more than ten updaters share an entry for each version, the oldest first', () => {
  const second = (n: number) => `2026-01-01T00:00:${String(n).padStart(2, '0')}Z`;
  const entries = Array.from({ length: 13 }, (_, i) =>
    entry({
      manager: `m${i}`,
      time: second(i),
      apiVersion: i === 1 ? 'v2' : 'v1',
      fieldsV1: { [`f:${String.fromCharCode(97 + i)}`]: {} },
    }),
  );
  const capped = encodeManaged(capUpdaters(decodeManaged([...entries, entry({ operation: 'Apply' })])))!;
  expect(capped.map((e) => [e.manager, e.apiVersion, e.time?.slice(-3, -1)])).toEqual([
    ['m', 'v1', undefined],
    ['m1', 'v2', '01'],
    ['ancient-changes', 'v1', '04'],
    ...[5, 6, 7, 8, 9, 10, 11, 12].map((n) => [`m${n}`, 'v1', String(n).padStart(2, '0')]),
  ]);
  expect(capped[2]!.fieldsV1).toEqual({ 'f:a': {}, 'f:c': {}, 'f:d': {}, 'f:e': {} });
});
