import { expect, it } from 'vitest';
import { isEnabledByDefault } from '../../gates.ts';
import { makeDeviceClassRegistration } from './deviceclass/index.ts';
import { registration as rules } from './devicetaintrule/index.ts';
import { registration as requests } from './resourcepoolstatusrequest/index.ts';
import { makeResourceSliceRegistration } from './resourceslice/index.ts';

it.each([
  ['device classes', makeDeviceClassRegistration(isEnabledByDefault), undefined],
  ['taint rules', rules, undefined],
  ['requests for the status of pools', requests, false],
  ['slices', makeResourceSliceRegistration(isEnabledByDefault), undefined],
])(
  '%s are returned when they are deleted, and say what revision they change where they must',
  (_, { strategy }, allowed) => {
    expect(strategy).toMatchObject({ returnDeletedObject: true });
    expect(strategy.allowUnconditionalUpdate).toBe(allowed);
  },
);
