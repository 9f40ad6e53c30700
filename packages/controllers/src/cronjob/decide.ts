/** What a cron job does now: pure (pkg/controller/cronjob syncCronJob, cleanupFinishedJobs). */
import type { CronJob, CronJobStatus, Job } from '@keelson/api/generated/types/batch/v1';
import type { ObjectReference } from '@keelson/api/generated/types/core/v1';
import { formatTime, millisOf } from '@keelson/api/time';
import { controllerReference, type Draft } from '@keelson/client';
import { formatInZone } from '@keelson/component/cron/zone';
import { isTimeZone } from '@keelson/component/go/timezone';
import { finishedCondition } from '../job/conditions.ts';
import { dueTime, type NextAfter, scheduleOf, untilNext } from './schedule.ts';

const CRON_JOB = { group: 'batch', version: 'v1', kind: 'CronJob' } as const;
const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export interface Observed {
  readonly cronJob: CronJob;
  /** Those that it controls. */
  readonly jobs: readonly Job[];
  /** Uids of active jobs that the server does not have any more. */
  readonly gone: ReadonlySet<string>;
  readonly now: number;
  readonly localZone: string;
}

export interface Saying {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface Decision {
  readonly status: CronJobStatus;
  readonly sayings: readonly Saying[];
  /** Ended jobs beyond what is kept. */
  readonly remove: readonly Job[];
  /** What is started now, after those that it replaces are deleted. */
  readonly start: { readonly time: number; readonly replaces: readonly ObjectReference[] } | undefined;
  /** Milliseconds until it has to be looked at again. */
  readonly againMs: number | undefined;
}

export function decide(observed: Observed): Decision {
  const { cronJob, now } = observed;
  const sayings: Saying[] = [];
  const status = statusAfter(observed, sayings);
  const remove = toRemove(cronJob, observed.jobs);
  const decision = { status, sayings, remove, start: undefined, againMs: undefined };
  if (cronJob.metadata.deletionTimestamp) return decision;
  const next = usableSchedule(observed, sayings);
  if (!next) return decision;
  const current = { ...cronJob, status };
  let due: ReturnType<typeof dueTime>;
  try {
    due = dueTime(current, next, now);
  } catch (error) {
    const message = `invalid schedule: ${cronJob.spec.schedule} : ${(error as Error).message}`;
    sayings.push({ type: 'Warning', reason: 'InvalidSchedule', message });
    return decision;
  }
  const later = { ...decision, againMs: untilNext(current, next, now) };
  if (!due) return later;
  if (due.tooMany) {
    const message = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
    sayings.push({ type: 'Warning', reason: 'TooManyMissedTimes', message });
  }
  const refusal = refusalOf(current, due.time, now);
  if (refusal) {
    if (refusal !== 'silent') sayings.push(refusal);
    return later;
  }
  const replaces = cronJob.spec.concurrencyPolicy === 'Replace' ? (status.active ?? []) : [];
  return { ...later, start: { time: due.time, replaces } };
}

/** Ended and lost jobs are active no more. */
function statusAfter({ cronJob, jobs, gone }: Observed, sayings: Saying[]): CronJobStatus {
  let active = cronJob.status.active ?? [];
  let { lastSuccessfulTime } = cronJob.status;
  for (const job of jobs) {
    const { uid, name } = job.metadata;
    const listed = active.some((reference) => reference.uid === uid);
    const finished = finishedCondition(job);
    if (!finished) {
      const message = `Saw a job that the controller did not create or forgot: ${name}`;
      if (!listed) sayings.push({ type: 'Warning', reason: 'UnexpectedJob', message });
      continue;
    }
    if (listed) {
      active = active.filter((reference) => reference.uid !== uid);
      const message = `Saw completed job: ${name}, condition: ${finished.type}`;
      sayings.push({ type: 'Normal', reason: 'SawCompletedJob', message });
    }
    const { completionTime } = job.status;
    const later = !lastSuccessfulTime || (completionTime && millisOf(completionTime) > millisOf(lastSuccessfulTime));
    if (finished.type === 'Complete' && completionTime && later) lastSuccessfulTime = completionTime;
  }
  for (const { uid, name } of active.filter((reference) => gone.has(reference.uid ?? ''))) {
    active = active.filter((reference) => reference.uid !== uid);
    sayings.push({ type: 'Normal', reason: 'MissingJob', message: `Active job went missing: ${name}` });
  }
  return { ...cronJob.status, active: [...active], ...(lastSuccessfulTime ? { lastSuccessfulTime } : {}) };
}

function toRemove({ spec }: CronJob, jobs: readonly Job[]): Job[] {
  const beyond = (type: string, limit: number | undefined) => {
    const ended = jobs.filter((job) => finishedCondition(job)?.type === type).sort(byStart);
    return limit === undefined ? [] : ended.slice(0, Math.max(0, ended.length - limit));
  };
  return [...beyond('Complete', spec.successfulJobsHistoryLimit), ...beyond('Failed', spec.failedJobsHistoryLimit)];
}

/** Jobs that have not been started are the last. */
function byStart(a: Job, b: Job): number {
  const [first = '~', second = '~'] = [a.status.startTime, b.status.startTime];
  if (first !== second) return first < second ? -1 : 1;
  return a.metadata.name! < b.metadata.name! ? -1 : 1;
}

/** Nothing while it is suspended, or where there is no telling when it is due. */
function usableSchedule({ cronJob, localZone }: Observed, sayings: Saying[]): NextAfter | undefined {
  const { schedule, timeZone, suspend } = cronJob.spec;
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    const message = `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`;
    sayings.push({ type: 'Warning', reason: 'UnknownTimeZone', message });
    return undefined;
  }
  if (suspend) return undefined;
  if (schedule.includes('TZ')) {
    const message = `CRON_TZ or TZ used in schedule ${JSON.stringify(schedule)} is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details`;
    sayings.push({ type: 'Warning', reason: 'UnsupportedSchedule', message });
  }
  try {
    return scheduleOf(cronJob, localZone);
  } catch (error) {
    const message = `unparseable schedule: ${JSON.stringify(schedule)} : ${(error as Error).message}`;
    sayings.push({ type: 'Warning', reason: 'UnparseableSchedule', message });
    return undefined;
  }
}

function refusalOf(cronJob: CronJob, time: number, now: number): Saying | 'silent' | undefined {
  const { spec, status } = cronJob;
  const active = status.active ?? [];
  const { startingDeadlineSeconds: deadline } = spec;
  if (deadline !== undefined && time + deadline * 1000 < now) {
    const message = `Missed scheduled time to start a job: ${rfc1123(time)}`;
    return { type: 'Warning', reason: 'MissSchedule', message };
  }
  const started = status.lastScheduleTime !== undefined && millisOf(status.lastScheduleTime) === time;
  if (started || active.some(({ name }) => name === jobName(cronJob, time))) return 'silent';
  if (spec.concurrencyPolicy !== 'Forbid' || active.length === 0) return undefined;
  const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
  return { type: 'Normal', reason: 'JobAlreadyActive', message };
}

/** `Thu, 01 Jan 2026 00:00:00 +0000` */
function rfc1123(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000');
}

/** One name for one time, so that no time is started twice. */
function jobName({ metadata }: CronJob, time: number): string {
  return `${metadata.name}-${Math.floor(time / 60_000)}`;
}

/** The job for one of the schedule's times. */
export function jobFor(cronJob: CronJob, time: number): Draft<Job> {
  const { metadata, spec } = cronJob.spec.jobTemplate;
  return {
    metadata: {
      name: jobName(cronJob, time),
      namespace: cronJob.metadata.namespace!,
      labels: metadata?.labels ?? {},
      annotations: { ...metadata?.annotations, [SCHEDULED_AT]: formatInZone(cronJob.spec.timeZone || 'UTC', time) },
      ownerReferences: [controllerReference(cronJob, CRON_JOB)],
    },
    spec,
  };
}

/** The status when a job was started. */
export function withStarted(status: CronJobStatus, job: Job, time: number): CronJobStatus {
  const { apiVersion, kind, metadata } = job;
  const { namespace, name, uid, resourceVersion } = metadata;
  const reference = { apiVersion, kind, namespace, name, uid, resourceVersion } as ObjectReference;
  return { ...status, active: [...(status.active ?? []), reference], lastScheduleTime: formatTime(new Date(time)) };
}
