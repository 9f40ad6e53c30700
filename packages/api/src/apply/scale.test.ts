import { expect, test } from 'vitest';
import type { ManagedFieldsEntry } from '../object.ts';
import { parentManagedFields, type ReplicasPaths, scaleManagedFields } from './scale.ts';

const paths: ReplicasPaths = { 'apps/v1': ['f:spec', 'f:replicas'], 'apps/v1beta1': undefined };
const entry = (manager: string, more: Partial<ManagedFieldsEntry> = {}): ManagedFieldsEntry => ({
  manager,
  operation: 'Apply',
  apiVersion: 'apps/v1',
  time: '2026-01-01T00:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:spec': { 'f:replicas': {} } },
  ...more,
});
const scale = (manager: string, more: Partial<ManagedFieldsEntry> = {}) =>
  entry(manager, { apiVersion: 'autoscaling/v1', ...more });
const both = { 'f:spec': { 'f:paused': {}, 'f:replicas': {} } };
const paused = { 'f:spec': { 'f:paused': {} } };

test('the owners of the replicas own those of the scale', () => {
  const parent = [
    entry('a'),
    entry('b', { fieldsV1: both }),
    entry('c', { fieldsV1: paused }),
    entry('d', { apiVersion: 'apps/v1beta1' }),
    entry('e', { apiVersion: 'apps/v9' }),
  ];
  expect(scaleManagedFields(parent, paths)).toEqual([scale('a'), scale('b')]);
  expect(scaleManagedFields(undefined, paths)).toBeUndefined();
});

test.each<[string, ManagedFieldsEntry[], ManagedFieldsEntry[], ManagedFieldsEntry[] | undefined]>([
  ['an owner who stays', [entry('a', { fieldsV1: both })], [scale('a')], [entry('a', { fieldsV1: both })]],
  ['an owner who lost the replicas', [entry('a', { fieldsV1: both })], [], [entry('a', { fieldsV1: paused })]],
  ['an owner who lost all', [entry('a')], [], undefined],
  [
    'a new owner has no time',
    [entry('a', { fieldsV1: both })],
    [scale('hpa', { operation: 'Update', subresource: 'scale' })],
    [
      entry('a', { fieldsV1: paused }),
      (({ time: _, ...rest }) => rest)(entry('hpa', { operation: 'Update', subresource: 'scale' })),
    ],
  ],
  [
    'other versions are kept or dropped',
    [entry('d', { apiVersion: 'apps/v1beta1' }), entry('e', { apiVersion: 'v9' })],
    [],
    [entry('d', { apiVersion: 'apps/v1beta1' })],
  ],
  [
    'an updater is told apart by its version, and listed twice',
    [entry('u', { operation: 'Update', fieldsV1: both })],
    [scale('u', { operation: 'Update' })],
    [
      (({ time: _, ...rest }) => rest)(entry('u', { operation: 'Update' })),
      entry('u', { operation: 'Update', fieldsV1: paused }),
    ],
  ],
])('%s', (_, parent, scaled, expected) => {
  expect(parentManagedFields(parent, scaled, paths, 'apps/v1')).toEqual(expected);
});

test('malformed entries are an error', () => {
  expect(() => scaleManagedFields([entry('a', { fieldsV1: { bad: {} } })], paths)).toThrow(
    expect.objectContaining({ code: 500, message: 'missing colon: bad' }),
  );
});
