import type { LimitRange, LimitRangeItem } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { testContext, texts } from '../../testing.ts';
import { limitRangeStrategy } from './strategy.ts';

const strategy = limitRangeStrategy(() => 'some-uuid');
const ctx = testContext();
const make = (...limits: LimitRangeItem[]): LimitRange => ({ metadata: {}, spec: { limits } });

describe('LimitRange', () => {
  it('is given a name', () => {
    const obj = make();
    strategy.prepareForCreate?.(ctx, obj);
    expect(obj.metadata.name).toBe('some-uuid');
  });

  it.each<[LimitRangeItem, Partial<LimitRangeItem>]>([
    [
      { type: 'Container', max: { cpu: '2' } },
      { default: { cpu: '2' }, defaultRequest: { cpu: '2' } },
    ],
    [{ type: 'Container', min: { cpu: '1' } }, { defaultRequest: { cpu: '1' } }],
    [
      { type: 'Container', default: { cpu: '1.5' }, max: { cpu: '2', memory: '1Gi' } },
      { default: { cpu: '1500m', memory: '1Gi' }, defaultRequest: { cpu: '1500m', memory: '1Gi' } },
    ],
    [
      { type: 'Pod', max: { cpu: '2' } },
      { type: 'Pod', max: { cpu: '2' } },
    ],
  ])('completes %j', (item, more) => {
    const obj = make(structuredClone(item));
    strategy.defaults?.(obj, 'v1');
    expect(obj.spec.limits?.[0]).toMatchObject(more);
  });

  it.each<[LimitRangeItem[], string[]]>([
    [[{ type: 'Container', max: { cpu: '2' }, min: { cpu: '1' } }], []],
    [
      [{ type: 'X' }, { type: 'X' }],
      [
        'spec.limits[0].type: Invalid value: "X": must be a standard limit type or fully qualified',
        'spec.limits[1].type: Invalid value: "X": must be a standard limit type or fully qualified',
        'spec.limits[1].type: Duplicate value: "X"',
      ],
    ],
    [
      [{ type: 'Container', max: { cpu: '1' }, min: { cpu: '2' }, default: { cpu: '3' } }],
      [
        'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
        'spec.limits[0].default[cpu]: Invalid value: "1": default value 3 is greater than max value 1',
      ],
    ],
    [
      [{ type: 'Container', max: { cpu: '2' }, min: { cpu: '1' }, maxLimitRequestRatio: { cpu: '3' } }],
      ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000'],
    ],
    [
      [{ type: 'Pod', default: { cpu: '1' } }],
      ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
    ],
    [
      [{ type: 'PersistentVolumeClaim' }],
      [
        'spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided',
      ],
    ],
    [
      [{ type: 'Container', default: { 'a.b/c': '2' }, defaultRequest: { 'a.b/c': '1' } }],
      [
        'spec.limits[0].defaultRequest[a.b/c]: Invalid value: "1": default value 2 must equal to defaultRequest value 1 in a.b/c',
      ],
    ],
  ])('%j', (limits, expected) => expect(texts(strategy.validate?.(ctx, make(...limits)))).toEqual(expected));
});
