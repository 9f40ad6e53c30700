import type { ResourceQuota, ResourceQuotaSpec } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { testContext, texts } from '../../testing.ts';
import { registration } from './index.ts';

const { strategy, table } = registration;
const ctx = testContext();
const make = (spec: ResourceQuotaSpec): ResourceQuota => ({ metadata: { name: 'a' }, spec, status: {} });

describe('ResourceQuota', () => {
  it.each<[ResourceQuotaSpec, string[]]>([
    [{ hard: { pods: '1', 'requests.cpu': '2', 'count/jobs.batch': '3', 'requests.nvidia.com/gpu': '4' } }, []],
    [
      { hard: { storage: '1', pods: '-1' } },
      [
        'spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota',
        'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0',
      ],
    ],
    [
      { hard: { 'services.nodeports': '1500m' } },
      ['spec.hard[services.nodeports]: Invalid value: "1500m": must be an integer'],
    ],
    [
      { hard: { services: '1' }, scopes: ['Terminating', 'NotTerminating', 'X'] },
      [
        'spec.scopes: Invalid value: ["Terminating","NotTerminating","X"]: unsupported scope applied to resource',
        'spec.scopes: Invalid value: ["Terminating","NotTerminating","X"]: unsupported scope applied to resource',
        'spec.scopes: Invalid value: ["Terminating","NotTerminating","X"]: unsupported scope',
        'spec.scopes: Invalid value: ["Terminating","NotTerminating","X"]: conflicting scopes',
      ],
    ],
    [
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In' }] } },
      [
        "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      ],
    ],
  ])('%j', (spec, expected) => expect(texts(strategy.validate?.(ctx, make(spec)))).toEqual(expected));

  it('keeps its scopes', () => {
    const old = make({ scopes: ['BestEffort'] });
    expect(texts(strategy.validateUpdate?.(ctx, make({ scopes: ['BestEffort', 'BestEffort'] }), old))).toEqual([]);
    expect(texts(strategy.validateUpdate?.(ctx, make({}), old))).toEqual([
      'spec.scopes: Invalid value: null: field is immutable',
    ]);
  });

  it('warns when more may be requested than limited', () =>
    expect(strategy.warningsOnCreate?.(ctx, make({ hard: { cpu: '2', 'limits.cpu': '1500m' } }))).toEqual([
      'ResourceQuota cpu (2) should be less than limits.cpu (1500m)',
    ]));

  it('shows requests and limits apart', () => {
    const obj = make({});
    obj.status = { hard: { 'limits.cpu': '4', pods: '10', cpu: '2' }, used: { pods: '3' } };
    expect(table?.row(obj).cells).toEqual(['a', 'cpu: 0/2, pods: 3/10', 'limits.cpu: 0/4', '<unknown>']);
  });
});
