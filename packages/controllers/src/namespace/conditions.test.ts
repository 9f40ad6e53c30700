import { expect, test } from 'vitest';
import { type Outcome, withOutcome } from './conditions.ts';
import { graceOf } from './content.ts';

const [then, now, later] = [new Date('2025'), new Date('2026'), new Date('2027')];

const fine: Outcome = { undiscovered: [], failures: [], remaining: new Map(), finalizers: new Map() };

test('the first look says how each of five matters stands', () => {
  const conditions = withOutcome([], fine, now);
  expect(conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
    ['NamespaceDeletionDiscoveryFailure', 'False', 'ResourcesDiscovered'],
    ['NamespaceDeletionGroupVersionParsingFailure', 'False', 'ParsedGroupVersions'],
    ['NamespaceDeletionContentFailure', 'False', 'ContentDeleted'],
    ['NamespaceContentRemaining', 'False', 'ContentRemoved'],
    ['NamespaceFinalizersRemaining', 'False', 'ContentHasNoFinalizers'],
  ]);
});

test('what is left is counted, in order; what has not changed stays as it was', () => {
  const before = withOutcome([], fine, then);
  const after = withOutcome(
    before,
    {
      ...fine,
      failures: ['b failed', 'a failed'],
      remaining: new Map([
        ['pods.', 2],
        ['deployments.apps', 1],
      ]),
      finalizers: new Map([['example.com/f', 3]]),
    },
    now,
  );
  expect(after.map(({ message, lastTransitionTime }) => [lastTransitionTime!.slice(0, 4), message])).toEqual([
    ['2025', 'All resources successfully discovered'],
    ['2025', 'All legacy kube types successfully parsed'],
    ['2026', 'Failed to delete all resource types, 2 remaining: a failed, b failed'],
    ['2026', 'Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances'],
    ['2026', 'Some content in the namespace has finalizers remaining: example.com/f in 3 resource instances'],
  ]);
  expect(withOutcome(after, { ...fine, remaining: new Map([['pods.', 1]]) }, later)[3]).toMatchObject({
    lastTransitionTime: '2026-01-01T00:00:00Z',
    message: 'Some resources are remaining: pods. has 1 resource instances',
  });
});

test('nothing new is nothing to write', () => {
  const before = withOutcome([], fine, then);
  expect(withOutcome(before, fine, now)).toBe(before);
});

test('pods that have ended need no grace', () => {
  const pod = (phase: string, grace: number) => ({
    metadata: {},
    spec: { containers: [], terminationGracePeriodSeconds: grace },
    status: { phase },
  });
  expect(graceOf([pod('Running', 5), pod('Succeeded', 60), pod('Pending', 30)])).toBe(30);
  expect(graceOf([])).toBe(0);
});
