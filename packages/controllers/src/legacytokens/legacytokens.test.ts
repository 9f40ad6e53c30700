import type { Secret, ServiceAccount } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it, test } from 'vitest';
import { fateOf, isTrackedSince } from './decide.ts';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const PERIOD = 10 * 24 * 60 * 60 * 1000;
const EDGE = '2026-05-22';

interface Given {
  created?: string;
  type?: string;
  lastUsed?: string;
  invalidSince?: string;
  account?: string;
  uid?: string;
  listed?: string;
  deleted?: boolean;
  mounted?: boolean;
}

function fate(given: Given) {
  const { created = '2026-01-01T00:00:00Z', type = 'kubernetes.io/service-account-token', listed = 'token' } = given;
  const secret: Secret = {
    metadata: {
      namespace: 'ns',
      name: 'token',
      creationTimestamp: created,
      ...(given.deleted ? { deletionTimestamp: created } : {}),
      labels: {
        ...(given.lastUsed === undefined ? {} : { 'kubernetes.io/legacy-token-last-used': given.lastUsed }),
        ...(given.invalidSince === undefined ? {} : { 'kubernetes.io/legacy-token-invalid-since': given.invalidSince }),
      },
      annotations: {
        'kubernetes.io/service-account.name': given.account ?? 'sa',
        'kubernetes.io/service-account.uid': given.uid ?? 'u',
      },
    },
    type,
  };
  const account: ServiceAccount = { metadata: { namespace: 'ns', name: 'sa', uid: 'u' }, secrets: [{ name: listed }] };
  return fateOf(secret, NOW, PERIOD, {
    account: (key) => (key === 'ns/sa' ? account : undefined),
    isMounted: () => given.mounted ?? false,
  });
}

test.each<[string, Given, ReturnType<typeof fate>]>([
  ['never used', {}, 'invalidate'],
  ['used long ago', { lastUsed: '2026-05-21' }, 'invalidate'],
  ['used lately', { lastUsed: EDGE }, undefined],
  ['used at no time that one could read', { lastUsed: '2026-02-30' }, undefined],
  ['young', { created: '2026-05-30T00:00:00Z' }, undefined],
  ['invalid lately', { invalidSince: EDGE }, undefined],
  ['invalid for long', { invalidSince: '2026-05-21' }, 'delete'],
  ['invalid since nonsense', { invalidSince: 'x' }, 'invalidate'],
  ['in use by a pod', { mounted: true, invalidSince: '2026-05-21' }, undefined],
  ['of another type', { type: 'Opaque' }, undefined],
  ['of an account that is not there', { account: 'other' }, undefined],
  ['of an earlier account of that name', { uid: 'v' }, undefined],
  ['of an account without an uid', { uid: '' }, 'invalidate'],
  ['made by hand', { listed: 'another' }, undefined],
  ['on its way out', { deleted: true }, undefined],
])('a token that is %s', (_, given, expected) => {
  expect(fate(given)).toBe(expected);
});

describe('uses are recorded', () => {
  it.each([
    [EDGE, false],
    ['2026-05-21', true],
  ])('since %s: long enough is %s', (since, expected) => {
    expect(isTrackedSince(since, NOW, PERIOD)).toBe(expected);
  });

  it.each([undefined, '', 'yesterday'])('not since %s', (since) => {
    expect(() => isTrackedSince(since, NOW, PERIOD)).toThrow();
  });
});
