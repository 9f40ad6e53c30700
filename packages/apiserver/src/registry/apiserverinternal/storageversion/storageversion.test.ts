import type { StorageVersion, StorageVersionStatus } from '@keelson/api/generated/types/apiserverinternal/v1alpha1';
import { expect, it } from 'vitest';
import type { Strategy } from '../../strategy.ts';
import { testContext, texts } from '../../testing.ts';
import { registration } from './index.ts';

const ctx = testContext();
const make = (status: StorageVersionStatus = {}): StorageVersion => ({
  metadata: { name: 'apps.d' },
  spec: {},
  status,
});

it('is named after group and resource', () => {
  const validateName = (name: string) =>
    registration.strategy.validateName?.(name, false, { metadata: { name } } as StorageVersion);
  expect(validateName('apps.deployments')).toEqual([]);
  expect(validateName('apps')).toEqual(['name must be in the form of <group>.<resource>']);
  expect(validateName('apps.X')).toEqual([expect.stringMatching(/^the resource segment a DNS-1035 label/)]);
});

const server = (apiServerID: string, encodingVersion = 'apps/v1') => ({
  apiServerID,
  encodingVersion,
  decodableVersions: ['apps/v1'],
});

it.each<[StorageVersionStatus, string[]]>([
  [{ storageVersions: [server('a')], commonEncodingVersion: 'apps/v1' }, []],
  [
    { storageVersions: [server('a'), server('a')] },
    [
      'status.storageVersions[1].apiServerID: Duplicate value: "a"',
      'status.commonEncodingVersion: Invalid value: null: the common encoding version is apps/v1',
    ],
  ],
  [
    { storageVersions: [server('a'), server('b', '/v1')], commonEncodingVersion: 'x' },
    [
      'status.storageVersions[1].encodingVersion: Invalid value: "/v1": group part: must be non-empty',
      'status.storageVersions[1].decodableVersions: Invalid value: ["apps/v1"]: decodableVersions must include encodingVersion /v1',
      'status.commonEncodingVersion: Invalid value: "x": should be nil if servers do not agree on the same encoding version, or if there is no server reporting the supported versions yet',
    ],
  ],
  [
    {
      conditions: [
        { type: 'A', status: 'True', reason: '' },
        { type: 'A', status: 'True', reason: 'r', message: 'm' },
      ],
    },
    [
      'status[0].reason: Required value',
      'status[0].message: Required value',
      'status[1].type: Invalid value: "A": the type of the condition is not unique, it also appears in conditions[0]',
    ],
  ],
])('%#', (status, expected) =>
  expect(texts(registration.subresources!.status!.strategy.validateUpdate?.(ctx, make(status), make()))).toEqual(
    expected,
  ),
);

it('shows three servers', () => {
  const storageVersions = ['a', 'b', 'c', 'd'].map((id) => server(id));
  expect(registration.table!.row(make({ storageVersions })).cells.slice(1, 3)).toEqual([
    '<unset>',
    'a=apps/v1,b=apps/v1,c=apps/v1 + 1 more...',
  ]);
});

it('shows that there is no server', () => {
  expect(registration.table!.row(make()).cells.slice(1, 3)).toEqual(['<unset>', '<unset>']);
});

it('has its metadata looked at once when it changes', () => {
  const { status } = registration.subresources as unknown as { status: { strategy: Strategy } };
  expect([registration.strategy.updateChecks, status.strategy.updateChecks]).toEqual([[], ['kind']]);
});
