import { describe, expect, it } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { graceOf, INITIAL, next, type WorkerEvent, type WorkerState } from './state.ts';

const pod = podOf({ containers: [container('a')] });
const deleted = (seconds: number) =>
  podOf(
    { containers: [container('a')] },
    { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: seconds },
  );
const updated = (pod: WorkerEvent & { type: 'updated' }) => pod;
const ending = (cause: 'deleted' | 'removed' | 'evicted' | 'completed', graceSeconds: number) => ({
  cause,
  graceSeconds,
});
const terminating: WorkerState = { phase: 'terminating', ending: ending('deleted', 30) };
const terminated: WorkerState = { phase: 'terminated', ending: ending('deleted', 30) };

const cases: { name: string; from: WorkerState; event: WorkerEvent; to: WorkerState }[] = [
  { name: 'a change', from: INITIAL, event: updated({ type: 'updated', pod }), to: INITIAL },
  {
    name: 'a deletion',
    from: INITIAL,
    event: { type: 'updated', pod: deleted(7) },
    to: { phase: 'terminating', ending: ending('deleted', 7) },
  },
  {
    name: 'a forced deletion',
    from: INITIAL,
    event: { type: 'updated', pod: deleted(0) },
    to: { phase: 'terminating', ending: ending('deleted', 1) },
  },
  {
    name: 'it had ended before the kubelet came',
    from: INITIAL,
    event: { type: 'updated', pod: { ...pod, status: { phase: 'Failed' } } },
    to: { phase: 'terminating', ending: ending('completed', 30) },
  },
  {
    name: 'completion',
    from: INITIAL,
    event: { type: 'completed', pod },
    to: { phase: 'terminating', ending: ending('completed', 30) },
  },
  {
    name: 'removal',
    from: INITIAL,
    event: { type: 'removed', pod },
    to: { phase: 'terminating', ending: ending('removed', 30) },
  },
  {
    name: 'eviction',
    from: INITIAL,
    event: { type: 'evicted', pod, reason: 'Evicted', message: 'm', graceSeconds: 1 },
    to: { phase: 'terminating', ending: { cause: 'evicted', graceSeconds: 1, reason: 'Evicted', message: 'm' } },
  },
  {
    name: 'a shorter grace period',
    from: terminating,
    event: { type: 'updated', pod: deleted(5) },
    to: { phase: 'terminating', ending: ending('deleted', 5) },
  },
  { name: 'a longer grace period', from: terminating, event: { type: 'updated', pod: deleted(60) }, to: terminating },
  { name: 'all stopped', from: terminating, event: { type: 'stopped' }, to: terminated },
  {
    name: 'a deletion of what is stopped',
    from: terminated,
    event: { type: 'updated', pod: deleted(0) },
    to: terminated,
  },
  { name: 'all cleaned up', from: terminated, event: { type: 'cleanedUp' }, to: { ...terminated, phase: 'finished' } },
  { name: 'cleaned up too early', from: terminating, event: { type: 'cleanedUp' }, to: terminating },
];

describe('next', () => {
  it.each(cases)('$name', ({ from, event, to }) => {
    expect(next(from, event)).toEqual(to);
  });
});

describe('graceOf', () => {
  it.each([
    ['of the spec', pod, 30],
    ['of the deletion', deleted(3), 3],
    ['never none', deleted(0), 1],
  ])('%s', (_, of, seconds) => expect(graceOf(of)).toBe(seconds));
});
