import { expect, it } from 'vitest';
import { registration as deviceClasses } from './deviceclass/index.ts';
import { registration as rules } from './devicetaintrule/index.ts';
import { registration as requests } from './resourcepoolstatusrequest/index.ts';
import { registration as slices } from './resourceslice/index.ts';

it.each([
  ['device classes', deviceClasses, undefined],
  ['taint rules', rules, undefined],
  ['requests for the status of pools', requests, false],
  ['slices', slices, undefined],
])(
  '%s are returned when they are deleted, and say what revision they change where they must',
  (_, { strategy }, allowed) => {
    expect(strategy).toMatchObject({ returnDeletedObject: true });
    expect(strategy.allowUnconditionalUpdate).toBe(allowed);
  },
);
