import type { Pod } from '@keelson/api/generated/types/core/v1';
import type {
  DeviceTaint,
  DeviceToleration,
  ResourceClaim,
  ResourceSlice,
} from '@keelson/api/generated/types/resource/v1';
import { formatTime } from '@keelson/api/time';
import { expect, test } from 'vitest';
import { evictionTime } from './tolerance.ts';

const T0 = Date.parse('2026-01-01T00:00:00Z');
const at = (seconds: number) => T0 + seconds * 1000;
const taint = (seconds: number, more: Partial<DeviceTaint> = {}): DeviceTaint => ({
  key: 'broken',
  effect: 'NoExecute',
  timeAdded: formatTime(new Date(at(seconds))),
  ...more,
});
const tolerated = (tolerationSeconds?: number, more: Partial<DeviceToleration> = {}): DeviceToleration => ({
  operator: 'Exists',
  effect: 'NoExecute',
  ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
  ...more,
});

interface Given {
  taints?: DeviceTaint[];
  tolerations?: DeviceToleration[];
  node?: string;
  reservedFor?: string;
  owner?: string;
  /** Of a second slice, which does not know of taints. */
  newer?: number;
}

function time({ taints = [], tolerations = [], node = 'n', reservedFor = 'u', owner = 'u', newer = 0 }: Given) {
  const pod: Pod = {
    metadata: { namespace: 'ns', name: 'p', uid: 'u' },
    spec: { nodeName: node, containers: [], resourceClaims: [{ name: 'c', resourceClaimTemplateName: 't' }] },
    status: { resourceClaimStatuses: [{ name: 'c', resourceClaimName: 'p-c-1' }] },
  };
  const claim: ResourceClaim = {
    metadata: {
      namespace: 'ns',
      name: 'p-c-1',
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: owner, controller: true }],
    },
    spec: { devices: { requests: [] } },
    status: {
      reservedFor: [{ resource: 'pods', name: 'p', uid: reservedFor }],
      allocation: { devices: { results: [{ request: 'r', driver: 'd', pool: 'a/b', device: 'x', tolerations }] } },
    },
  };
  const slice = (generation: number, device: DeviceTaint[]): ResourceSlice => ({
    metadata: { name: `s${generation}` },
    spec: {
      driver: 'd',
      pool: { name: 'a/b', generation, resourceSliceCount: 1 },
      devices: [{ name: 'w' }, { name: 'x', taints: device }],
    },
  });
  const slices = [slice(1, taints), ...(newer ? [slice(newer, [])] : [])];
  return evictionTime(pod, {
    claim: (key) => (key === 'ns/p-c-1' ? claim : undefined),
    slices: (pool) => (pool === 'd/a/b' ? slices : []),
  });
}

test.each<[string, Given, number | undefined]>([
  ['no taint', {}, undefined],
  ['a taint', { taints: [taint(5)] }, at(5)],
  ['a taint that only keeps others off', { taints: [taint(5, { effect: 'NoSchedule' })] }, undefined],
  ['the first of two', { taints: [taint(9), taint(5, { key: 'other' })] }, at(5)],
  ['tolerated for good', { taints: [taint(5)], tolerations: [tolerated()] }, undefined],
  [
    'for good counts more than for a while',
    { taints: [taint(5)], tolerations: [tolerated(3), tolerated()] },
    undefined,
  ],
  ['the shortest while counts', { taints: [taint(5)], tolerations: [tolerated(30), tolerated(10)] }, at(15)],
  ['less than none is none', { taints: [taint(5)], tolerations: [tolerated(-4)] }, at(5)],
  ['another key', { taints: [taint(5)], tolerations: [tolerated(30, { key: 'other' })] }, at(5)],
  [
    'a toleration of all effects does not mean this one',
    { taints: [taint(5)], tolerations: [tolerated(9, { effect: '' })] },
    at(5),
  ],
  ['no node yet', { taints: [taint(5)], node: '' }, undefined],
  ['reserved for another', { taints: [taint(5)], reservedFor: 'v' }, undefined],
  ['made for another', { taints: [taint(5)], owner: 'v' }, undefined],
  ['a newer generation of the pool', { taints: [taint(5)], newer: 2 }, undefined],
])('%s', (_, given, expected) => {
  expect(time(given)).toBe(expected);
});
