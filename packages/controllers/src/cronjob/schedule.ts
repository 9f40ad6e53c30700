/** When a cron job is due: pure (pkg/controller/cronjob/utils.go). */
import type { CronJob } from '@keelson/api/generated/types/batch/v1';
import { millisOf } from '@keelson/api/time';
import { nextTime } from '@keelson/component/cron/next';
import { parseSchedule } from '@keelson/component/cron/schedule';
import { isTimeZone } from '@keelson/component/go/timezone';

/** Time that is waited on top, so that the schedule's time has come for sure. */
const DELTA_MS = 100;
const MANY = 100;

export type NextAfter = (ms: number) => number | undefined;

/** What a cron job's schedule names after a time. @throws Error with upstream's words for what is no schedule */
export function scheduleOf({ spec }: CronJob, localZone: string): NextAfter {
  const { schedule, timeZone } = spec;
  const zoned = timeZone !== undefined && !schedule.includes('TZ') && isTimeZone(timeZone);
  const parsed = parseSchedule(zoned ? `TZ=${timeZone} ${schedule}` : schedule);
  return (ms) => nextTime(parsed, ms, localZone);
}

interface Recent {
  /** From when on is looked. */
  readonly earliest: number;
  /** The last time that has come. */
  readonly time: number | undefined;
  /** How many there were. */
  readonly missed: 'none' | 'few' | 'many';
}

/** @throws Error where two times of the schedule are the same */
function mostRecent({ metadata, spec, status }: CronJob, next: NextAfter, now: number, withDeadline: boolean): Recent {
  let earliest = millisOf(status.lastScheduleTime ?? metadata.creationTimestamp!);
  if (withDeadline && spec.startingDeadlineSeconds !== undefined) {
    earliest = Math.max(earliest, now - spec.startingDeadlineSeconds * 1000);
  }
  const first = next(earliest);
  const second = first === undefined ? undefined : next(first);
  if (first !== undefined && now < first) return { earliest, time: undefined, missed: 'none' };
  if (second !== undefined && now < second) return { earliest, time: first, missed: 'none' };
  const period = first === undefined || second === undefined ? 0 : Math.round((second - first) / 1000);
  if (period < 1) throw new Error('time difference between two schedules is less than 1 second');
  const count = Math.floor(Math.floor((now - first!) / 1000) / period) + 1;
  // Periods may differ, so that the last one is looked for from a little before.
  let time: number | undefined;
  const begin = first! + (count - 2) * period * 1000;
  for (let t = next(begin); t !== undefined && t <= now; t = next(t)) time = t;
  return { earliest, time, missed: count > MANY ? 'many' : 'few' };
}

/** The time for which a job is due, if there is one. @throws Error for schedules that make no sense */
export function dueTime(job: CronJob, next: NextAfter, now: number): { time: number; tooMany: boolean } | undefined {
  const { time, missed } = mostRecent(job, next, now, true);
  return time === undefined ? undefined : { time, tooMany: missed === 'many' };
}

/** Milliseconds until the schedule's next time; undefined where there is none. */
export function untilNext(job: CronJob, next: NextAfter, now: number): number | undefined {
  const time = next(lastBefore(job, next, now));
  return time === undefined ? undefined : time + DELTA_MS - now;
}

function lastBefore(job: CronJob, next: NextAfter, now: number): number {
  try {
    const { earliest, time, missed } = mostRecent(job, next, now, false);
    return time ?? (missed === 'none' ? earliest : now);
  } catch {
    return now;
  }
}
