import type { FieldSchedule, Schedule } from './schedule.ts';
import { timeAt, type WallTime, wallTime } from './zone.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
/** A schedule that has no time for so long has none: 30 February. */
const YEARS = 5;

/**
 * The first time after `after` that a schedule names, by the wall clock of its zone: hours that clocks skip are skipped,
 * those that they repeat count twice (robfig/cron SpecSchedule.Next).
 * @param after milliseconds since 1970, as the result
 * @param local the zone of schedules that name none
 */
export function nextTime(schedule: Schedule, after: number, local: string): number | undefined {
  const second = Math.floor(after / 1000) * 1000;
  if ('everyMilliseconds' in schedule) return second + schedule.everyMilliseconds;
  return new Search(schedule, schedule.timeZone ?? local).from(second + 1000);
}

/** Goes on from field to field, and starts anew whenever a field comes round to its beginning. */
class Search {
  readonly #schedule: FieldSchedule;
  readonly #zone: string;

  constructor(schedule: FieldSchedule, zone: string) {
    this.#schedule = schedule;
    this.#zone = zone;
  }

  from(start: number): number | undefined {
    const { month, hour, minute } = this.#schedule;
    const limit = this.#wall(start).year + YEARS;
    let at = Math.ceil(start / MINUTE) * MINUTE;
    for (;;) {
      const wall = this.#wall(at);
      if (wall.year > limit) return undefined;
      if (!month.values.has(wall.month)) at = this.#date(wall.year, wall.month + 1, 1);
      else if (!this.#isDay(wall)) at = this.#date(wall.year, wall.month, wall.day + 1);
      else if (!hour.values.has(wall.hour)) at = Math.max(at + MINUTE, this.#hourAfter(at, wall));
      else if (!minute.values.has(wall.minute)) at += MINUTE;
      else return at;
    }
  }

  #wall(ms: number): WallTime {
    return wallTime(this.#zone, ms);
  }

  /** The beginning of a day; where clocks skip midnight, the first time that they show on it. */
  #date(year: number, month: number, day: number): number {
    const at = timeAt(this.#zone, year, month, day);
    const { hour, minute } = this.#wall(at);
    if (hour === 0) return at;
    return hour > 12 ? at + (24 - hour) * HOUR - minute * MINUTE : at;
  }

  #hourAfter(at: number, { minute, second }: WallTime): number {
    return at - minute * MINUTE - second * 1000 + HOUR;
  }

  /** Where both fields restrict the day, either will do. */
  #isDay({ day, weekday }: WallTime): boolean {
    const { dayOfMonth, dayOfWeek } = this.#schedule;
    const [byMonth, byWeek] = [dayOfMonth.values.has(day), dayOfWeek.values.has(weekday)];
    return dayOfMonth.star || dayOfWeek.star ? byMonth && byWeek : byMonth || byWeek;
  }
}
