import type { CronJob, CronJobSpec, CronJobStatus, Job } from '@keelson/api/generated/types/batch/v1';
import { describe, expect, it } from 'vitest';
import { decide, jobFor, withStarted } from './decide.ts';

const NOW = Date.parse('2026-01-01T12:00:30Z');
const cronJob = (spec: Partial<CronJobSpec> = {}, status: CronJobStatus = {}): CronJob => ({
  metadata: { name: 'c', namespace: 'ns', uid: 'c', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    schedule: '0 * * * *',
    jobTemplate: { metadata: { labels: { a: 'b' } }, spec: { template: { metadata: {}, spec: { containers: [] } } } },
    ...spec,
  },
  status: { lastScheduleTime: '2026-01-01T11:00:00Z', ...status },
});
const job = (name: string, ended?: 'Complete' | 'Failed', at = '2026-01-01T11:30:00Z', started = at): Job => ({
  metadata: { name, namespace: 'ns', uid: name },
  spec: { template: { metadata: {}, spec: { containers: [] } } },
  status: {
    startTime: started,
    ...(ended ? { conditions: [{ type: ended, status: 'True' }] } : {}),
    ...(ended === 'Complete' ? { completionTime: at } : {}),
  },
});
const active = (...names: string[]) => names.map((name) => ({ name, namespace: 'ns', uid: name }));
const look = (of: CronJob, jobs: Job[] = [], gone: string[] = []) =>
  decide({ cronJob: of, jobs, gone: new Set(gone), now: NOW, localZone: 'UTC' });
const due = Date.parse('2026-01-01T12:00:00Z');
const hour = 3_600_000;

describe('a cron job', () => {
  it.each<[string, CronJob, object]>([
    ['starts what is due', cronJob(), { start: { time: due, replaces: [] }, againMs: hour - 30_000 + 100 }],
    [
      'starts the last of those that were missed',
      cronJob({}, { lastScheduleTime: '2026-01-01T03:00:00Z' }),
      { start: { time: due } },
    ],
    [
      'waits',
      cronJob({}, { lastScheduleTime: '2026-01-01T12:00:00Z' }),
      { start: undefined, againMs: hour - 30_000 + 100 },
    ],
    [
      'first waits from its creation',
      cronJob({ schedule: '0 13 * * *' }, { lastScheduleTime: undefined! }),
      { start: undefined, againMs: hour - 30_000 + 100 },
    ],
    ['in its time zone', cronJob({ schedule: '0 13 * * *', timeZone: 'Europe/Berlin' }), { start: { time: due } }],
    ['too late', cronJob({ startingDeadlineSeconds: 20 }), { start: undefined, sayings: [] }],
    ['does nothing while it is suspended', cronJob({ suspend: true }), { start: undefined, againMs: undefined }],
    ['has started it already', cronJob({}, { active: active(`c-${due / 60_000}`) }), { start: undefined }],
    ['runs several', cronJob({}, { active: active('other') }), { start: { replaces: [] } }],
    [
      'replaces',
      cronJob({ concurrencyPolicy: 'Replace' }, { active: active('other') }),
      { start: { replaces: active('other') } },
    ],
  ])('%s', (_, of, expected) => {
    expect(look(of)).toMatchObject(expected);
  });

  it.each<[string, CronJob, string, string]>([
    [
      'forbidden',
      cronJob({ concurrencyPolicy: 'Forbid' }, { active: active('other') }),
      'JobAlreadyActive',
      'Not starting job because prior execution is running and concurrency policy is Forbid',
    ],
    ['missed', cronJob({ schedule: '*/2 * * * *', startingDeadlineSeconds: 90 }, {}), '', ''],
    [
      'many missed',
      cronJob({ schedule: '* * * * *' }, { lastScheduleTime: '2026-01-01T01:00:00Z' }),
      'TooManyMissedTimes',
      'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
    ],
    [
      'no zone',
      cronJob({ timeZone: 'Mars/Olympus' }),
      'UnknownTimeZone',
      'invalid timeZone: "Mars/Olympus": unknown time zone Mars/Olympus',
    ],
    [
      'no schedule',
      cronJob({ schedule: 'x' }),
      'UnparseableSchedule',
      'unparseable schedule: "x" : expected exactly 5 fields, found 1: [x]',
    ],
    [
      'no time',
      cronJob({ schedule: '0 0 30 2 *' }),
      'InvalidSchedule',
      'invalid schedule: 0 0 30 2 * : time difference between two schedules is less than 1 second',
    ],
  ])('tells: %s', (_, of, reason, message) => {
    const [saying] = look(of).sayings;
    expect([saying?.reason ?? '', saying?.message ?? '']).toEqual([reason, message]);
  });

  it('keeps account of its jobs', () => {
    const of = cronJob(
      { suspend: true },
      { active: active('done', 'running', 'lost'), lastSuccessfulTime: '2026-01-01T10:00:00Z' },
    );
    const { status, sayings } = look(of, [job('done', 'Complete'), job('running'), job('strange')], ['lost']);
    expect(status).toMatchObject({ active: active('running'), lastSuccessfulTime: '2026-01-01T11:30:00Z' });
    expect(sayings.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
      'SawCompletedJob: Saw completed job: done, condition: Complete',
      'UnexpectedJob: Saw a job that the controller did not create or forgot: strange',
      'MissingJob: Active job went missing: lost',
    ]);
  });

  it('keeps so many that succeeded and that failed, the latest', () => {
    const jobs = [
      job('s2', 'Complete', undefined, '2026-01-01T02:00:00Z'),
      job('s1', 'Complete', undefined, '2026-01-01T01:00:00Z'),
      job('f1', 'Failed', undefined, '2026-01-01T01:00:00Z'),
      job('r'),
    ];
    const { remove } = look(cronJob({ suspend: true, successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 1 }), jobs);
    expect(remove.map(({ metadata }) => metadata.name)).toEqual(['s1']);
    expect(look(cronJob({ suspend: true }), jobs).remove).toEqual([]);
  });
});

it('the job of a time', () => {
  const of = cronJob({ timeZone: 'Asia/Kolkata' });
  expect(jobFor(of, due).metadata).toMatchObject({
    name: `c-${due / 60_000}`,
    namespace: 'ns',
    labels: { a: 'b' },
    annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T17:30:00+05:30' },
    ownerReferences: [{ kind: 'CronJob', name: 'c', controller: true }],
  });
  const started = withStarted({}, { ...job('j'), apiVersion: 'batch/v1', kind: 'Job' }, due);
  expect(started).toMatchObject({
    lastScheduleTime: '2026-01-01T12:00:00Z',
    active: [{ kind: 'Job', name: 'j', uid: 'j' }],
  });
});
