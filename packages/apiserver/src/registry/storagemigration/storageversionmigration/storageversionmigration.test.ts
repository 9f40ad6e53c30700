import type {
  StorageVersionMigration,
  StorageVersionMigrationStatus,
} from '@keelson/api/generated/types/storagemigration/v1beta1';
import { expect, it } from 'vitest';
import { testContext, texts } from '../../testing.ts';
import { registration } from './index.ts';

const ctx = testContext();
const make = (
  status: StorageVersionMigrationStatus = {},
  resource = { group: 'apps', resource: 'deployments' },
): StorageVersionMigration => ({ metadata: { name: 'a', resourceVersion: '1' }, spec: { resource }, status });
const condition = (type: string, status = 'True') => ({
  type,
  status,
  reason: 'R',
  message: '',
  lastTransitionTime: '2026-01-02T03:04:05Z',
});

it('names a resource, which stays', () => {
  expect(texts(registration.strategy.validate?.(ctx, make({}, { group: '', resource: '' })))).toEqual([
    'spec.resource.resource: Required value: resource is required to be set',
  ]);
  expect(texts(registration.strategy.validateUpdate?.(ctx, make({}, { group: '', resource: 'pods' }), make()))).toEqual(
    ['spec: Invalid value: {"Resource":{"group":"","resource":"pods"}}: field is immutable'],
  );
});

it('succeeds or fails once', () => {
  const validate = (obj: StorageVersionMigrationStatus, old: StorageVersionMigrationStatus) =>
    texts(registration.subresources!.status!.strategy.validateUpdate?.(ctx, make(obj), make(old)));
  expect(validate({ resourceVersion: '12', conditions: [condition('Succeeded')] }, {})).toEqual([]);
  expect(validate({ resourceVersion: '0' }, {})).toEqual([
    'status.resourceVersion: Invalid value: "0": resource version is not well formed: 0',
  ]);
  expect(validate({ resourceVersion: '2' }, { resourceVersion: '1' })).toEqual([
    'status.resourceVersion: Invalid value: "2": field is immutable',
  ]);
  expect(validate({}, { conditions: [condition('Failed')] })).toEqual([
    'status.conditions: Invalid value: null: Failed condition cannot be set to false once it is true',
  ]);
});

it('shows how far it is', () =>
  expect(registration.table!.row(make({ conditions: [condition('Running')] })).cells).toEqual([
    'a',
    'deployments.apps',
    'Running',
  ]));
