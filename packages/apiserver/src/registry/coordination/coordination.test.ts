import type { Lease, LeaseSpec } from '@keelson/api/generated/types/coordination/v1';
import type { LeaseCandidate } from '@keelson/api/generated/types/coordination/v1beta1';
import { describe, expect, it } from 'vitest';
import { testContext, texts } from '../testing.ts';
import { registration as lease } from './lease/index.ts';
import { registration as candidate } from './leasecandidate/index.ts';

const ctx = testContext();

describe('Lease', () => {
  const make = (spec: LeaseSpec): Lease => ({ metadata: {}, spec });
  it.each<[LeaseSpec, string[]]>([
    [{}, []],
    [{ leaseDurationSeconds: 0 }, ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0']],
    [{ leaseTransitions: -1 }, ['spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0']],
    [
      { strategy: 'x', preferredHolder: 'h' },
      ['spec.strategy.strategy: Unsupported value: "x": supported values: "OldestEmulationVersion"'],
    ],
    [{ preferredHolder: 'h' }, ['spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined']],
  ])('%j', (spec, expected) => expect(texts(lease.strategy.validate?.(ctx, make(spec)))).toEqual(expected));

  it('keeps no strategy that is not there already', () => {
    const obj = make({ strategy: 's', holderIdentity: 'h' });
    lease.strategy.prepareForUpdate?.(ctx, obj, make({}));
    expect(obj.spec).toEqual({ holderIdentity: 'h' });
  });
});

describe('LeaseCandidate', () => {
  const make = (spec: Partial<LeaseCandidate['spec']>): LeaseCandidate => ({
    metadata: {},
    spec: { leaseName: 'l', binaryVersion: '1.36.0', strategy: 'a.b/c', ...spec },
  });
  it.each<[Partial<LeaseCandidate['spec']>, string[]]>([
    [{}, []],
    [{ strategy: 'OldestEmulationVersion', emulationVersion: '1.35.0' }, []],
    [
      { strategy: 'OldestEmulationVersion' },
      ["spec.emulationVersion: Required value: must be specified when `strategy` is 'OldestEmulationVersion'"],
    ],
    [
      { emulationVersion: '1.37.0' },
      ['spec.binaryVersion: Invalid value: "1.36.0": must be greater than or equal to `emulationVersion`'],
    ],
    [{ binaryVersion: 'v1.36' }, ['spec.binaryVersion: Invalid value: "v1.36": must be a valid semantic version']],
  ])('%j', (spec, expected) => expect(texts(candidate.strategy.validate?.(ctx, make(spec)))).toEqual(expected));
});
