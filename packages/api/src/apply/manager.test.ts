import { expect, test } from 'vitest';
import type { KubeObject } from '../object.ts';
import { managerOf, withoutNewTimes } from './manager.ts';

test.each<[string | undefined, string | undefined, string]>([
  ['m', 'kubectl/v1', 'm'],
  [undefined, 'kubectl/v1.36 (linux/amd64)', 'kubectl'],
  ['', 'a b\u0007c\u00a0d/1', 'a bcd'],
  [undefined, undefined, ''],
  [undefined, 'é'.repeat(70), 'é'.repeat(64)],
  [undefined, `${'a'.repeat(127)}éb`, 'a'.repeat(127)],
])('%j %j', (fieldManager, userAgent, expected) => {
  expect(managerOf(fieldManager, userAgent)).toBe(expected);
});

const object = (time: string, data: object, ...more: object[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: 'a',
    managedFields: [
      { manager: 'm', operation: 'Apply', apiVersion: 'v1', time, fieldsType: 'FieldsV1', fieldsV1: { 'f:data': {} } },
      ...more,
    ],
  },
  data,
});

test('new times alone are no change', () => {
  const existing = object('1', { a: '1' });
  expect(withoutNewTimes(existing, object('2', { a: '1' }))).toEqual(existing);
  const changed = object('2', { a: '2' });
  expect(withoutNewTimes(existing, changed)).toBe(changed);
  const owned = object('2', { a: '1' }, { manager: 'n' });
  expect(withoutNewTimes(existing, owned)).toBe(owned);
});
