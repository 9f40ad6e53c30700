import { expect, test } from 'vitest';
import { judge, type OwnerStates, type Verdict } from './collector.ts';
import type { Node } from './graph.ts';

const reference = (uid: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid });
const states = (solid: string[], dangling: string[], waiting: string[]): OwnerStates => ({
  solid: solid.map(reference),
  dangling: dangling.map(reference),
  waiting: waiting.map(reference),
});
const dependent = (isDeletingDependents: boolean) => ({ isDeletingDependents }) as Node;

test.each<[string, OwnerStates, string[], Node[], Verdict]>([
  ['an owner is there', states(['a'], [], []), [], [], { deed: 'keep' }],
  ['one of them is there', states(['a'], ['b'], ['c']), [], [], { deed: 'release', uids: ['b', 'c'] }],
  ['none is there', states([], ['a'], []), [], [], { deed: 'delete', policy: 'Background' }],
  ['an owner waits', states([], [], ['a']), [], [], { deed: 'delete', policy: 'Background' }],
  [
    'an owner waits, and it has dependents',
    states([], [], ['a']),
    [],
    [dependent(false)],
    { deed: 'delete', policy: 'Foreground', unblock: false },
  ],
  [
    'an owner waits, and so does a dependent',
    states([], [], ['a']),
    [],
    [dependent(false), dependent(true)],
    { deed: 'delete', policy: 'Foreground', unblock: true },
  ],
  ['asked to orphan before', states([], ['a'], []), ['orphan'], [], { deed: 'delete', policy: 'Orphan' }],
  [
    'asked for foreground before',
    states([], ['a'], []),
    ['foregroundDeletion'],
    [],
    { deed: 'delete', policy: 'Foreground' },
  ],
])('%s', (_, owners, finalizers, dependents, verdict) => {
  expect(judge({ metadata: { name: 'x', finalizers } }, owners, dependents)).toEqual(verdict);
});
