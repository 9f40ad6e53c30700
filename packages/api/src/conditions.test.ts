import { expect, it } from 'vitest';
import { withCondition } from './conditions.ts';

const now = new Date('2026-01-02T03:04:05Z');
const then = '2025-01-01T00:00:00Z';
const ready = { type: 'Ready', status: 'True', reason: 'Fine', lastTransitionTime: then };
const other = { type: 'Other', status: 'False', reason: '', lastTransitionTime: then };

it.each<[string, object[], object, object[]]>([
  [
    'comes last',
    [other],
    { status: 'True', reason: 'Fine' },
    [other, { ...ready, lastTransitionTime: '2026-01-02T03:04:05Z' }],
  ],
  [
    'of another status takes its place, as of now',
    [ready, other],
    { status: 'False', reason: 'Bad' },
    [{ type: 'Ready', status: 'False', reason: 'Bad', lastTransitionTime: '2026-01-02T03:04:05Z' }, other],
  ],
  [
    'of the same status keeps the time',
    [ready, other],
    { status: 'True', reason: 'Better' },
    [{ ...ready, reason: 'Better' }, other],
  ],
  [
    'gets a time where it had none',
    [{ ...ready, lastTransitionTime: null }],
    { status: 'True', reason: 'Fine' },
    [{ ...ready, lastTransitionTime: '2026-01-02T03:04:05Z' }],
  ],
])('a condition %s', (_what, before, said, after) => {
  expect(withCondition(before as (typeof ready)[], { type: 'Ready', ...said } as typeof ready, now)).toEqual(after);
});

it('leaves a list that says so already', () => {
  const before = [other, ready];
  expect(withCondition(before, { type: 'Ready', status: 'True', reason: 'Fine' }, now)).toBe(before);
});
