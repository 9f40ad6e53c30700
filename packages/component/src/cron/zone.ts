/** Wall clocks of time zones, as Go's time package has them. */

/** What a wall clock shows. Months count from 1, days of the week from Sunday, 0. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly weekday: number;
}

/** Zones may be named in any case, by whoever makes a cron job. */
const MAX_FORMATS = 64;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    if (formats.size >= MAX_FORMATS) formats.delete(formats.keys().next().value!);
    formats.set(timeZone, format);
  }
  return format;
}

/** The machine's own zone. */
export function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Milliseconds by which the zone's clocks are ahead of UTC at a time. */
function offsetAt(timeZone: string, ms: number): number {
  if (timeZone === 'UTC') return 0;
  const parts: Record<string, number> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(ms)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}

/** What a clock in that zone shows. @param ms since 1970 */
export function wallTime(timeZone: string, ms: number): WallTime {
  const date = new Date(ms + offsetAt(timeZone, ms));
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    weekday: date.getUTCDay(),
  };
}

/**
 * The time at which the clocks show this; values beyond their range carry over. Of a time that is shown twice, or never, one
 * of the two neighbours, as time.Date chooses it.
 */
export function timeAt(timeZone: string, year: number, month: number, day: number, hour = 0, minute = 0): number {
  const shown = Date.UTC(year, month - 1, day, hour, minute);
  const guess = shown - offsetAt(timeZone, shown);
  return shown - offsetAt(timeZone, guess);
}

/** `2026-01-02T03:04:05+01:00`, `…Z` in UTC (time.RFC3339). */
export function formatInZone(timeZone: string, ms: number): string {
  const offset = offsetAt(timeZone, ms);
  const text = new Date(ms + offset).toISOString().slice(0, 19);
  if (offset === 0) return `${text}Z`;
  const minutes = Math.abs(offset) / 60_000;
  const digits = (n: number) => String(Math.floor(n)).padStart(2, '0');
  return `${text}${offset < 0 ? '-' : '+'}${digits(minutes / 60)}:${digits(minutes % 60)}`;
}
