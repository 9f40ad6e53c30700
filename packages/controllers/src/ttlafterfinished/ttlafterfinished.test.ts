import type { Job } from '@keelson/api/generated/types/batch/v1';
import { expect, it, test } from 'vitest';
import { timeLeft } from './controller.ts';

const NOW = Date.parse('2026-01-01T00:01:00Z');
const job = (
  ttl: number | undefined,
  ended: string | undefined,
  metadata: Job['metadata'] = { name: 'j', namespace: 'n' },
): Job => ({
  metadata,
  spec: {
    template: { metadata: {}, spec: { containers: [] } },
    ...(ttl === undefined ? {} : { ttlSecondsAfterFinished: ttl }),
  },
  status:
    ended === undefined
      ? {}
      : { conditions: [{ type: 'Failed', status: 'True', ...(ended ? { lastTransitionTime: ended } : {}) }] },
});

test.each([
  ['runs', job(5, undefined), undefined],
  ['has no limit', job(undefined, '2026-01-01T00:00:00Z'), undefined],
  ['has time left', job(90, '2026-01-01T00:00:00Z'), 30_000],
  ['is over', job(10, '2026-01-01T00:00:00Z'), -50_000],
  ['is leaving already', job(10, '2026-01-01T00:00:00Z', { deletionTimestamp: '2026-01-01T00:00:30Z' }), undefined],
])('a job that %s', (_, of, expected) => expect(timeLeft(of, NOW)).toBe(expected));

it('has to tell when it ended', () => {
  expect(() => timeLeft(job(1, ''), NOW)).toThrow('unable to find the time when the Job n/j finished');
});
