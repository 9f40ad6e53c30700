import type { PodGroup, PodGroupSpec, Workload, WorkloadSpec } from '@keelson/api/generated/types/scheduling/v1alpha2';
import { describe, expect, it } from 'vitest';
import { testContext, texts } from '../testing.ts';
import { registration as podGroup } from './podgroup/index.ts';
import { registration as workload } from './workload/index.ts';

const ctx = testContext({ requestVersion: 'v1alpha2' });
const basic = { basic: {} };

describe('PodGroup', () => {
  const make = (rest: Partial<PodGroupSpec> = {}): PodGroup => {
    const obj: PodGroup = {
      metadata: { name: 'a' },
      spec: { podGroupTemplateRef: null, schedulingPolicy: basic, ...rest },
      status: {},
    };
    podGroup.strategy.defaults?.(obj, 'v1alpha2');
    return obj;
  };

  it.each<[Partial<PodGroupSpec>, string[]]>([
    [{}, []],
    [{ schedulingPolicy: {} }, ['spec.schedulingPolicy: Invalid value: "": must specify one of: `basic`, `gang`']],
    [
      { schedulingPolicy: { basic: {}, gang: { minCount: -1 } } },
      [
        'spec.schedulingPolicy: Invalid value: "{basic, gang}": must specify exactly one of: `basic`, `gang`',
        'spec.schedulingPolicy.gang.minCount: Invalid value: -1: must be greater than or equal to 1',
      ],
    ],
    [{ schedulingPolicy: { gang: { minCount: 0 } } }, ['spec.schedulingPolicy.gang.minCount: Required value']],
    [
      { podGroupTemplateRef: { workload: { workloadName: 'w', podGroupTemplateName: '' } } },
      ['spec.podGroupTemplateRef.workload.podGroupTemplateName: Required value'],
    ],
  ])('%j', (rest, expected) => expect(texts(podGroup.strategy.validate?.(ctx, make(rest)))).toEqual(expected));

  it('loses what belongs to features that are off', () => {
    const obj = make({ priority: 1, priorityClassName: 'p', resourceClaims: [{ name: 'c' }] });
    podGroup.strategy.prepareForCreate?.(ctx, obj);
    expect(obj.spec).toEqual({ podGroupTemplateRef: null, schedulingPolicy: basic });
    podGroup.strategy.canonicalize?.(obj);
    expect(obj.spec.disruptionMode).toBe('Pod');
  });

  it('keeps its policy', () =>
    expect(
      texts(podGroup.strategy.validateUpdate?.(ctx, make({ schedulingPolicy: { gang: { minCount: 1 } } }), make())),
    ).toEqual(['spec.schedulingPolicy: Invalid value: null: field is immutable']));

  it.each<[Partial<PodGroupSpec>, string[]]>([
    [{}, []],
    [{ priority: 2 }, ['spec.priority: Forbidden']],
    [{ priority: undefined, disruptionMode: 'PodGroup' }, ['spec.disruptionMode: Forbidden']],
    [{ resourceClaims: undefined }, ['spec.resourceClaims: Invalid value: null: field is immutable']],
  ])('keeps, or gives up, what belongs to features that are off: %j', (change, expected) => {
    const had = { priority: 1, resourceClaims: [{ name: 'c' }] };
    const [obj, old] = [make({ ...had, ...change }), make(had)];
    podGroup.strategy.prepareForUpdate?.(ctx, obj, old);
    expect(texts(podGroup.strategy.validateUpdate?.(ctx, obj, old))).toEqual(expected);
  });

  it('shows its state', () => {
    const obj = make();
    const cell = () => podGroup.table!.row(obj).cells[3];
    expect(cell()).toBe('Pending');
    obj.status.conditions = [
      { type: 'PodGroupScheduled', status: 'False', reason: 'R', message: '', lastTransitionTime: '' },
    ];
    expect(cell()).toBe('Unschedulable');
  });
});

describe('Workload', () => {
  const make = (rest: Partial<WorkloadSpec> = {}): Workload => ({
    metadata: { name: 'a' },
    spec: { podGroupTemplates: [{ name: 't', schedulingPolicy: basic, schedulingConstraints: null }], ...rest },
  });
  const template = (name: string) => ({ name, schedulingPolicy: basic, schedulingConstraints: null });

  it.each<[Partial<WorkloadSpec>, string[]]>([
    [{}, []],
    [{ podGroupTemplates: null }, ['spec.podGroupTemplates: Required value']],
    [
      { podGroupTemplates: Array.from({ length: 9 }, (_, i) => template(`t${i}`)) },
      ['spec.podGroupTemplates: Too many: 9: must have at most 8 items'],
    ],
    [
      { podGroupTemplates: [template('t'), template('t')] },
      [expect.stringContaining('spec.podGroupTemplates[1]: Duplicate value: {"name":"t"')],
    ],
    [
      { controllerRef: { kind: '', name: 'a/b' } },
      ['spec.controllerRef.kind: Required value', `spec.controllerRef.name: Invalid value: "a/b": may not contain '/'`],
    ],
  ])('%#', (rest, expected) => expect(texts(workload.strategy.validate?.(ctx, make(rest)))).toEqual(expected));

  it('does not lose its templates', () =>
    expect(texts(workload.strategy.validateUpdate?.(ctx, make({ podGroupTemplates: [] }), make()))).toEqual([
      'spec.podGroupTemplates: Invalid value: null: field is immutable',
      'spec.podGroupTemplates: Required value',
    ]));

  it('does not change', () =>
    expect(
      texts(workload.strategy.validateUpdate?.(ctx, make({ podGroupTemplates: [template('u')] }), make())),
    ).toEqual(['spec.podGroupTemplates: Invalid value: null: field is immutable']));
});
