import { expect, test } from 'vitest';
import { nextTime } from './next.ts';
import { parseSchedule } from './schedule.ts';
import { formatInZone, timeAt } from './zone.ts';

/** Expectations of robfig/cron's own tests, and of days on which clocks change. */
test.each([
  ['*/15 * * * *', 'UTC', '2012-07-09T14:45:00Z', '2012-07-09T15:00:00Z'],
  ['*/15 * * * *', 'UTC', '2012-07-09T14:59:59Z', '2012-07-09T15:00:00Z'],
  ['20-35/15 * * * *', 'UTC', '2012-07-09T15:45:00Z', '2012-07-09T16:20:00Z'],
  ['*/15 1/2 * * *', 'UTC', '2012-07-09T23:46:00Z', '2012-07-10T01:00:00Z'],
  ['0 0 */2 * *', 'UTC', '2012-07-09T23:35:00Z', '2012-07-11T00:00:00Z'],
  ['0 0 9 Apr-Oct ?', 'UTC', '2012-07-09T23:35:00Z', '2012-08-09T00:00:00Z'],
  ['0 0 * Feb Mon', 'UTC', '2012-07-09T23:35:00Z', '2013-02-04T00:00:00Z'],
  ['0 0 * Feb Mon/2', 'UTC', '2012-07-09T23:35:00Z', '2013-02-01T00:00:00Z'],
  ['0 0 29 Feb ?', 'UTC', '2012-07-09T23:35:00Z', '2016-02-29T00:00:00Z'],
  ['0 0 13 * Fri', 'UTC', '2026-01-03T00:00:00Z', '2026-01-09T00:00:00Z'],
  ['@hourly', 'UTC', '2012-07-09T14:45:00Z', '2012-07-09T15:00:00Z'],
  ['@every 90s', 'UTC', '2012-07-09T14:45:00.7Z', '2012-07-09T14:46:30Z'],
  ['TZ=Asia/Kolkata 30 9 * * *', 'UTC', '2026-01-01T04:00:00Z', '2026-01-02T04:00:00Z'],
  ['0 9 * * *', 'America/New_York', '2026-03-07T20:00:00Z', '2026-03-08T13:00:00Z'],
  // Clocks go from 2 to 3: half past two is not shown, and comes the next day.
  ['30 2 * * *', 'America/New_York', '2026-03-08T05:00:00Z', '2026-03-09T06:30:00Z'],
  // Clocks go from 2 back to 1: half past one comes twice.
  ['30 1 * * *', 'America/New_York', '2026-11-01T04:00:00Z', '2026-11-01T05:30:00Z'],
  ['30 1 * * *', 'America/New_York', '2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z'],
  // Clocks skip midnight.
  ['0 1 * * *', 'America/Sao_Paulo', '2018-11-04T01:00:00Z', '2018-11-04T03:00:00Z'],
])('%s in %s after %s', (text, zone, after, expected) => {
  expect(new Date(nextTime(parseSchedule(text), Date.parse(after), zone)!).toISOString()).toBe(
    expected.replace('Z', '.000Z'),
  );
});

test('a schedule without a time has none', () => {
  expect(nextTime(parseSchedule('0 0 30 Feb ?'), Date.parse('2026-01-01T00:00:00Z'), 'UTC')).toBe(undefined);
});

test.each([
  ['UTC', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'],
  ['Asia/Kolkata', '2026-01-01T00:00:00Z', '2026-01-01T05:30:00+05:30'],
  ['America/St_Johns', '2026-07-01T00:00:00Z', '2026-06-30T21:30:00-02:30'],
])('in %s %s is %s', (zone, time, expected) => expect(formatInZone(zone, Date.parse(time))).toBe(expected));

test('a wall time that is not shown is one of its neighbours', () => {
  expect(new Date(timeAt('America/New_York', 2026, 3, 8, 2, 30)).toISOString()).toBe('2026-03-08T06:30:00.000Z');
});
