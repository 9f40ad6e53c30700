import type { Endpoints } from '@keelson/api/generated/types/core/v1';
import { expect, test } from 'vitest';
import { isMirrored, leftOut, plan, slicesOf, tallyOf } from './mirror.ts';

const endpoints = (ips: string[], notReady: string[] = []): Endpoints => ({
  metadata: {
    namespace: 'ns',
    name: 'db',
    uid: 'u',
    labels: { team: 'a' },
    annotations: { note: 'n', 'endpoints.kubernetes.io/last-change-trigger-time': 't' },
  },
  subsets: [
    {
      addresses: ips.map((ip) => ({ ip })),
      notReadyAddresses: notReady.map((ip) => ({ ip })),
      ports: [{ port: 5432, protocol: 'TCP' }],
    },
  ],
});

test('each family of addresses has its slice, which belongs to the endpoints', () => {
  const [four, six] = slicesOf(endpoints(['10.0.0.1', 'fd00::1'], ['10.0.0.2']));
  expect(four).toMatchObject({
    addressType: 'IPv4',
    endpoints: [
      { addresses: ['10.0.0.1'], conditions: { ready: true } },
      { addresses: ['10.0.0.2'], conditions: { ready: false } },
    ],
    ports: [{ name: '', port: 5432, protocol: 'TCP' }],
    metadata: {
      generateName: 'db-',
      ownerReferences: [{ kind: 'Endpoints', name: 'db', uid: 'u' }],
      annotations: { note: 'n' },
    },
  });
  expect(four!.metadata.labels).toEqual({
    team: 'a',
    'kubernetes.io/service-name': 'db',
    'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
  });
  expect(six).toMatchObject({ addressType: 'IPv6', endpoints: [{ addresses: ['fd00::1'] }] });
});

test('what is right stays, what is not is written over, what is too many goes', () => {
  const named = slicesOf(endpoints(['10.0.0.1', 'fd00::1'])).map((slice, i) => ({
    ...slice,
    metadata: { ...slice.metadata, name: `s${i}` },
  }));
  expect(plan(slicesOf(endpoints(['10.0.0.1', 'fd00::1'])), named)).toEqual({ create: [], update: [], delete: [] });
  const change = plan(slicesOf(endpoints(['10.0.0.9'])), named);
  expect(change).toMatchObject({
    create: [],
    update: [{ metadata: { name: 's0' }, endpoints: [{ addresses: ['10.0.0.9'] }] }],
    delete: [{ metadata: { name: 's1' } }],
  });
});

test('those who do not want it, and locks of elections, are left out', () => {
  const labelled = { ...endpoints([]), metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } } };
  const lock = { ...endpoints([]), metadata: { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } } };
  expect([endpoints([]), labelled, lock].map(isMirrored)).toEqual([true, false, false]);
});

test('what changes is told in numbers, and what is left out', () => {
  const before = slicesOf(endpoints(['10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1']));
  const wanted = slicesOf(endpoints(['10.0.0.1', '10.0.0.4'], ['10.0.0.2']));
  expect(tallyOf(wanted, before, plan(wanted, before))).toEqual({
    added: 1,
    updated: 1,
    removed: 1,
    endpoints: [3],
    slices: 1,
  });
  const many = Array.from({ length: 1001 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  expect(leftOut(endpoints(['nonsense', ...many]))).toEqual({ all: 3, invalid: 1 });
  expect(leftOut(endpoints(['10.0.0.1'], ['10.0.0.2']))).toEqual({ all: 0, invalid: 0 });
});
