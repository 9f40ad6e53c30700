import type { ResourceClaim, ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import { describe, expect, it } from 'vitest';
import { isEnabledByDefault } from '../../gates.ts';
import { testContext, texts } from '../testing.ts';
import { makeResourceClaimRegistration } from './resourceclaim/index.ts';
import { makeResourceSliceRegistration } from './resourceslice/index.ts';

const ctx = testContext();
let labels: Record<string, string> = {};
const claims = makeResourceClaimRegistration(() => labels, isEnabledByDefault);
const slices = makeResourceSliceRegistration(isEnabledByDefault);

describe('ResourceClaim', () => {
  it('has access to devices of others in namespaces that are marked', async () => {
    const claim = make();
    claims.strategy.defaults?.(claim, 'v1');
    claim.spec.devices.requests![0]!.exactly!.adminAccess = true;
    labels = {};
    expect(texts(await claims.strategy.checkAccess?.(ctx, claim, undefined))).toEqual([
      'spec.devices.requests[0].adminAccess: Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace',
    ]);
    labels = { 'resource.kubernetes.io/admin-access': 'true' };
    expect(texts(await claims.strategy.checkAccess?.(ctx, claim, undefined))).toEqual([]);
  });

  const make = (status: ResourceClaim['status'] = {}): ResourceClaim => ({
    metadata: { name: 'c' },
    spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'd' } }] } },
    status,
  });
  const result = (device: string) => ({ request: 'r', driver: 'd', pool: 'p', device, conditions: null });

  it('asks for exactly one device', () => {
    const claim = make();
    claim.spec.devices.requests![0]!.exactly!.tolerations = [{ key: 'k' }];
    claims.strategy.defaults?.(claim, 'v1');
    expect(claim.spec.devices.requests?.[0]?.exactly).toEqual({
      deviceClassName: 'd',
      allocationMode: 'ExactCount',
      count: 1,
      tolerations: [{ key: 'k', operator: 'Equal' }],
    });
  });

  it('keeps its spec', () => {
    const changed = make();
    changed.spec.devices.requests = [];
    expect(texts(claims.strategy.validateUpdate?.(ctx, changed, make())).join()).toContain('field is immutable');
  });

  it('forgets what was told of devices that are no longer allocated', () => {
    const old = make({ allocation: { devices: { results: [result('a'), result('b')] } } });
    const next = make({
      allocation: { devices: { results: [result('b')] } },
      devices: [result('a'), result('b')],
    });
    claims.subresources?.status?.strategy.prepareForUpdate?.(ctx, next, old);
    expect(next.status.devices?.map(({ device }) => device)).toEqual(['b']);
    next.metadata.labels = { a: 'b' };
    claims.subresources?.status?.strategy.prepareForUpdate?.(ctx, next, old);
    expect(next.metadata.labels).toBeUndefined();
  });

  it.each<[ResourceClaim['status'], string | undefined, string]>([
    [{}, undefined, 'pending'],
    [{}, '2026-01-01T00:00:00Z', 'deleted'],
    [{ allocation: { devices: {} } }, undefined, 'allocated'],
    [
      { allocation: { devices: {} }, reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }] },
      '2026-01-01T00:00:00Z',
      'deleted,allocated,reserved',
    ],
  ])('%j deleted %j is %s', (status, deletionTimestamp, state) => {
    const claim = make(status);
    if (deletionTimestamp) claim.metadata.deletionTimestamp = deletionTimestamp;
    expect(claims.table?.row(claim).cells[1]).toBe(state);
  });
});

describe('ResourceSlice', () => {
  it('dates taints and warns of drivers in capitals', () => {
    const slice: ResourceSlice = {
      metadata: { name: 's' },
      spec: {
        driver: 'A.example.com',
        pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
        devices: [{ name: 'd', taints: [{ key: 'k', effect: 'NoSchedule' }] }],
      },
    };
    slices.strategy.defaults?.(slice, 'v1', ctx.now);
    expect(slice.spec.devices?.[0]?.taints?.[0]?.timeAdded).toBe('2026-01-02T03:04:05Z');
    expect(slices.strategy.warningsOnCreate?.(ctx, slice)).toHaveLength(1);
    expect(slices.strategy.selectableFields?.(slice)).toEqual({ 'spec.nodeName': '', 'spec.driver': 'A.example.com' });
  });

  it.each([
    [{ nodeName: '', allNodes: false }, {}],
    [
      { nodeName: 'n', allNodes: true },
      { nodeName: 'n', allNodes: true },
    ],
  ])('says in v1beta1 where it is, if it says so: %j', (where, shown) => {
    const rest = { driver: 'd', pool: { name: 'p', generation: 1, resourceSliceCount: 1 } };
    const object = {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceSlice',
      metadata: {},
      spec: { ...rest, ...where },
    };
    expect(slices.conversions?.v1beta1?.fromStorage?.(object).spec).toEqual({ ...rest, ...shown });
  });
});
