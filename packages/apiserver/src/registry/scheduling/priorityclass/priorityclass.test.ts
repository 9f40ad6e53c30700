import type { PriorityClass } from '@keelson/api/generated/types/scheduling/v1';
import { describe, expect, it } from 'vitest';
import { testContext, texts } from '../../testing.ts';
import { registration } from './index.ts';

const { strategy } = registration;
const ctx = testContext();
const make = (name: string, value: number, rest: Partial<PriorityClass> = {}): PriorityClass => ({
  metadata: { name },
  value,
  ...rest,
});
const RESERVED =
  "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: ";

describe('PriorityClass', () => {
  it.each<[PriorityClass, string[]]>([
    [make('a', 1_000_000_000), []],
    [make('a', 1_000_000_001), ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000']],
    [make('system-x', 1), [`${RESERVED}system-x is not a known system priority class`]],
    [make('system-node-critical', 1), [`${RESERVED}value of system-node-critical PriorityClass must be 2000001000`]],
    [
      make('system-cluster-critical', 2_000_000_000, { globalDefault: true }),
      [`${RESERVED}globalDefault of system-cluster-critical PriorityClass must be false`],
    ],
    [
      make('a', 1, { preemptionPolicy: 'x' }),
      ['preemptionPolicy: Unsupported value: "x": supported values: "PreemptLowerPriority", "Never"'],
    ],
  ])('%j', (obj, expected) => expect(texts(strategy.validate?.(ctx, obj))).toEqual(expected));

  it('does not change', () => {
    const old = make('a', 1, { preemptionPolicy: 'Never' });
    expect(texts(strategy.validateUpdate?.(ctx, make('a', 2), old))).toEqual([
      'value: Forbidden: may not be changed in an update.',
      'preemptionPolicy: Invalid value: null: field is immutable',
    ]);
  });

  it('stays when the system needs it', () => {
    expect(() => strategy.validateDelete?.(ctx, 'system-node-critical')).toThrow('cannot be deleted');
    expect(strategy.validateDelete?.(ctx, 'a')).toBeUndefined();
  });
});
