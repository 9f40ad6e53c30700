import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '@keelson/api/generated/types/policy/v1';
import { describe, expect, it, test } from 'vitest';
import { goSelector } from '../selectors.ts';
import { disruptedPods, expectationOf, failedStatus, needsScale, statusOf, untilStale } from './budget.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString().replace('.000', '');
const budget = (spec: PodDisruptionBudgetSpec = {}, disruptedPods?: Record<string, string>): PodDisruptionBudget => ({
  metadata: { name: 'b', namespace: 'ns', generation: 2 },
  spec,
  status: {
    disruptionsAllowed: 0,
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    ...(disruptedPods ? { disruptedPods } : {}),
  },
});
const pod = (
  name: string,
  { ready = true, leaving = false, condition }: { ready?: boolean; leaving?: boolean; condition?: object } = {},
): Pod => ({
  metadata: { name, ...(leaving ? { deletionTimestamp: at(0) } : {}) },
  spec: { containers: [] },
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }, ...(condition ? [condition as never] : [])],
  },
});

test.each<[PodDisruptionBudgetSpec, pods: number, scale: number, needs: boolean, expected: number, desired: number]>([
  [{ minAvailable: 2 }, 3, 0, false, 3, 2],
  [{ minAvailable: '50%' }, 3, 5, true, 5, 3],
  [{ maxUnavailable: 2 }, 3, 5, true, 5, 3],
  [{ maxUnavailable: '50%' }, 3, 5, true, 5, 2],
  [{ maxUnavailable: 9 }, 3, 5, true, 5, 0],
  [{}, 3, 0, false, 0, 0],
])('%j of %i pods, %i wanted', (spec, pods, scale, needs, expected, desired) => {
  expect(needsScale(budget(spec))).toBe(needs);
  expect(expectationOf(budget(spec), pods, scale)).toEqual({ expected, desired });
});

describe('status', () => {
  it('counts ready pods that are not on their way out', () => {
    const pods = [pod('a'), pod('b'), pod('c', { ready: false }), pod('d', { leaving: true }), pod('e')];
    const status = statusOf(budget(), pods, { expected: 5, desired: 1 }, { e: at(-10) }, NOW);
    expect(status).toEqual({
      observedGeneration: 2,
      currentHealthy: 2,
      desiredHealthy: 1,
      expectedPods: 5,
      disruptionsAllowed: 1,
      disruptedPods: { e: at(-10) },
      conditions: [
        {
          type: 'DisruptionAllowed',
          status: 'True',
          reason: 'SufficientPods',
          message: '',
          observedGeneration: 2,
          lastTransitionTime: at(0),
        },
      ],
    });
    const again = statusOf({ ...budget(), status }, pods, { expected: 5, desired: 0 }, {}, NOW + 5000);
    expect(again.conditions?.[0]).toMatchObject({ status: 'True', lastTransitionTime: at(0) });
    const none = statusOf({ ...budget(), status }, pods, { expected: 5, desired: 5 }, {}, NOW + 5000);
    expect(none.conditions?.[0]).toMatchObject({
      status: 'False',
      reason: 'InsufficientPods',
      lastTransitionTime: at(5),
    });
    expect(statusOf(budget(), pods, { expected: 0, desired: 0 }, {}, NOW).disruptionsAllowed).toBe(0);
  });

  it('what cannot be told allows nothing', () => {
    const status = failedStatus(budget(), new Error('no scale'), NOW);
    expect(status.disruptionsAllowed).toBe(0);
    expect(status.conditions?.[0]).toMatchObject({ status: 'False', reason: 'SyncFailed', message: 'no scale' });
  });
});

it('evictions that were granted are waited for', () => {
  const of = budget({}, { soon: at(-30), late: at(-121), gone: at(-30), leaving: at(-30) });
  const found = disruptedPods(of, [pod('soon'), pod('late'), pod('leaving', { leaving: true })], NOW);
  expect(found).toMatchObject({ pods: { soon: at(-30) }, againMs: 90_000 });
  expect(found.notDeleted.map(({ metadata }) => metadata.name)).toEqual(['late']);
});

test.each<[string, Pod, number | undefined]>([
  ['does not tell', pod('a'), undefined],
  [
    'tells',
    pod('a', { condition: { type: 'DisruptionTarget', status: 'True', lastTransitionTime: at(-20) } }),
    100_000,
  ],
  [
    'has told for long',
    pod('a', { condition: { type: 'DisruptionTarget', status: 'True', lastTransitionTime: at(-999) } }),
    0,
  ],
  [
    'is being deleted',
    pod('a', { leaving: true, condition: { type: 'DisruptionTarget', status: 'True', lastTransitionTime: at(-20) } }),
    undefined,
  ],
  [
    'is ended by its kubelet',
    pod('a', { condition: { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' } }),
    undefined,
  ],
])('a pod that %s', (_, of, expected) => expect(untilStale(of, NOW)).toBe(expected));

test('selectors as Go prints them', () => {
  expect(goSelector(undefined)).toBe('nil');
  const matchExpressions = [{ key: 'k', operator: 'In', values: ['a', 'b'] }];
  expect(goSelector({ matchLabels: { foo: 'bar' }, matchExpressions })).toBe(
    '&LabelSelector{MatchLabels:map[string]string{foo: bar,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[a b],},},}',
  );
});
