import type {
  FlowSchema,
  FlowSchemaSpec,
  LimitResponse,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
} from '@keelson/api/generated/types/flowcontrol/v1';
import { describe, expect, it } from 'vitest';
import { testContext, texts } from '../testing.ts';
import { registration as flowSchema } from './flowschema/index.ts';
import { mandatoryFlowSchema } from './mandatory.ts';
import { registration as priorityLevel } from './prioritylevelconfiguration/index.ts';

const ctx = testContext();

describe('FlowSchema', () => {
  const make = (spec: Partial<FlowSchemaSpec>, name = 's'): FlowSchema => ({
    metadata: { name },
    spec: { matchingPrecedence: 500, priorityLevelConfiguration: { name: 'l' }, ...spec },
    status: {},
  });
  it.each<[Partial<FlowSchemaSpec>, string[]]>([
    [{}, []],
    [{ matchingPrecedence: 0 }, ['spec.matchingPrecedence: Invalid value: 0: must be a positive value']],
    [
      { matchingPrecedence: 1 },
      ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
    ],
    [{ matchingPrecedence: 10_001 }, ['spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000']],
    [
      { priorityLevelConfiguration: { name: '' } },
      ['spec.priorityLevelConfiguration.name: Required value: must reference a priority level'],
    ],
    [
      { rules: [{ subjects: [], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }] },
      ['spec.rules[0].subjects: Required value: subjects must contain at least one value'],
    ],
  ])('%j', (spec, expected) => expect(texts(flowSchema.strategy.validate?.(ctx, make(spec)))).toEqual(expected));

  it('leaves the mandatory ones as they are', () => {
    const spec = structuredClone(mandatoryFlowSchema('catch-all')!.spec);
    expect(texts(flowSchema.strategy.validate?.(ctx, make(spec, 'catch-all')))).toEqual([]);
    const changed = make({ ...spec, matchingPrecedence: 9999 }, 'catch-all');
    expect(texts(flowSchema.strategy.validate?.(ctx, changed))).toEqual([
      `spec: Invalid value: {"PriorityLevelConfiguration":{"Name":"catch-all"},"MatchingPrecedence":9999,"DistinguisherMethod":{"Type":"ByUser"},"Rules":[{"Subjects":[{"Kind":"Group","User":null,"Group":{"Name":"system:unauthenticated"},"ServiceAccount":null},{"Kind":"Group","User":null,"Group":{"Name":"system:authenticated"},"ServiceAccount":null}],"ResourceRules":[{"Verbs":["*"],"APIGroups":["*"],"Resources":["*"],"ClusterScope":true,"Namespaces":["*"]}],"NonResourceRules":[{"Verbs":["*"],"NonResourceURLs":["*"]}]}]}: spec of 'catch-all' must equal the fixed value`,
    ]);
  });
});

it.each([flowSchema, priorityLevel])('the status endpoint leaves the rest of metadata alone', ({ subresources }) => {
  const { status } = subresources as unknown as {
    status: { strategy: { prepareForUpdate(...args: unknown[]): void } };
  };
  const old = { metadata: { name: 's', labels: { a: 'b' } }, spec: {}, status: {} };
  const sent = { metadata: { name: 's', annotations: { c: 'd' }, managedFields: [{ manager: 'm' }] }, spec: { x: 1 } };
  status.strategy.prepareForUpdate(ctx, sent, old);
  expect(sent).toEqual({ metadata: { ...old.metadata, managedFields: [{ manager: 'm' }] }, spec: {} });
});

describe('PriorityLevelConfiguration', () => {
  const make = (spec: PriorityLevelConfigurationSpec): PriorityLevelConfiguration => ({
    metadata: { name: 'l' },
    spec,
    status: {},
  });
  const limited = (limitResponse: LimitResponse): PriorityLevelConfigurationSpec => ({
    type: 'Limited',
    limited: { nominalConcurrencyShares: null, limitResponse },
  });

  it('has shares and queues where none are given', () => {
    const obj = make(limited({ type: 'Queue', queuing: { queues: 7, handSize: 0, queueLengthLimit: 0 } }));
    priorityLevel.strategy.defaults?.(obj, 'v1');
    expect(obj.spec.limited).toEqual({
      nominalConcurrencyShares: 30,
      lendablePercent: 0,
      limitResponse: { type: 'Queue', queuing: { handSize: 8, queues: 7, queueLengthLimit: 50 } },
    });
  });

  it.each<[PriorityLevelConfigurationSpec, string[]]>([
    [limited({ type: 'Reject' }), []],
    [{ type: 'Limited' }, ['spec.limited: Required value: must not be empty when type is Limited']],
    [
      { type: 'Exempt', exempt: {} },
      ["spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'"],
    ],
    [
      limited({ type: 'Queue' }),
      [
        'spec.limited.limitResponse.queuing: Required value: must not be empty if limited.limitResponse.type is Limited',
      ],
    ],
  ])('%j', (spec, expected) => expect(texts(priorityLevel.strategy.validate?.(ctx, make(spec)))).toEqual(expected));
});
