/** Schedules of cron jobs, in the dialect of github.com/robfig/cron's ParseStandard, with its error messages. */
import { parseDuration } from '../go/duration.ts';
import { atoi } from '../go/strconv.ts';
import { isTimeZone } from '../go/timezone.ts';

/** One of the five fields. */
export interface Field {
  readonly values: ReadonlySet<number>;
  /** Written as a star: a day that is restricted only by the other of its two fields matches by that alone. */
  readonly star: boolean;
}

export interface FieldSchedule {
  readonly minute: Field;
  readonly hour: Field;
  readonly dayOfMonth: Field;
  readonly month: Field;
  /** Sunday is 0. */
  readonly dayOfWeek: Field;
  /** Absent: the zone of who asks. */
  readonly timeZone?: string;
}

/** `@every 90s`: at least one second, whole seconds. */
export interface IntervalSchedule {
  readonly everyMilliseconds: number;
}

export type Schedule = FieldSchedule | IntervalSchedule;

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MINUTES: Bounds = { min: 0, max: 59 };
const HOURS: Bounds = { min: 0, max: 23 };
const DAYS: Bounds = { min: 1, max: 31 };
const MONTHS: Bounds = {
  min: 1,
  max: 12,
  names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
};
const WEEKDAYS: Bounds = { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] };
const FIELDS = 5;

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** @throws Error with upstream's words for what is no schedule */
export function parseSchedule(text: string): Schedule {
  if (text === '') throw new Error('empty spec string');
  const prefix = /^(?:CRON_)?TZ=/.exec(text);
  if (!prefix) return parseExpression(text);
  const end = text.indexOf(' ');
  // Here upstream's parser panics; its callers catch that.
  if (end < 0) throw new Error('invalid schedule format: runtime error: slice bounds out of range [:-1]');
  const timeZone = text.slice(prefix[0].length, end);
  if (!isTimeZone(timeZone)) throw new Error(`provided bad location ${timeZone}: unknown time zone ${timeZone}`);
  const schedule = parseExpression(text.slice(end).trim());
  return timeZone === 'Local' || 'everyMilliseconds' in schedule ? schedule : { ...schedule, timeZone };
}

function parseExpression(text: string): Schedule {
  if (text.startsWith('@')) return parseDescriptor(text);
  const fields = text.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== FIELDS)
    throw new Error(`expected exactly ${FIELDS} fields, found ${fields.length}: [${fields.join(' ')}]`);
  const [minute, hour, dayOfMonth, month, dayOfWeek] = fields as [string, string, string, string, string];
  return {
    minute: parseField(minute, MINUTES),
    hour: parseField(hour, HOURS),
    dayOfMonth: parseField(dayOfMonth, DAYS),
    month: parseField(month, MONTHS),
    dayOfWeek: parseField(dayOfWeek, WEEKDAYS),
  };
}

function parseDescriptor(text: string): Schedule {
  const fields = DESCRIPTORS[text];
  if (fields !== undefined) return parseExpression(fields);
  const every = '@every ';
  if (!text.startsWith(every)) throw new Error(`unrecognized descriptor: ${text}`);
  try {
    const seconds = Math.floor(parseDuration(text.slice(every.length)) / 1000);
    return { everyMilliseconds: Math.max(seconds, 1) * 1000 };
  } catch (error) {
    throw new Error(`failed to parse duration ${text}: ${(error as Error).message}`);
  }
}

function parseField(text: string, bounds: Bounds): Field {
  const values = new Set<number>();
  let star = false;
  for (const expression of text.split(',').filter((part) => part !== '')) {
    const range = parseRange(expression, bounds);
    for (let value = range.start; value <= range.end; value += range.step) values.add(value);
    star ||= range.star;
  }
  return { values, star };
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly star: boolean;
}

/** `*`, `5`, `1-5`, any of them with `/2`; `5/10` means from 5 to the end. */
function parseRange(expression: string, { min, max, names }: Bounds): Range {
  const [span = '', stepText, ...slashes] = expression.split('/');
  const [low = '', high, ...hyphens] = span.split('-');
  const anything = low === '*' || low === '?';
  const start = anything ? min : parseNumber(low, names, min);
  if (!anything && hyphens.length > 0) throw new Error(`too many hyphens: ${expression}`);
  let end = anything ? max : high === undefined ? start : parseNumber(high, names, min);
  if (slashes.length > 0) throw new Error(`too many slashes: ${expression}`);
  let step = 1;
  if (stepText !== undefined) {
    step = parseNumber(stepText);
    if (high === undefined) end = max;
  }
  if (start < min) throw new Error(`beginning of range (${start}) below minimum (${min}): ${expression}`);
  if (end > max) throw new Error(`end of range (${end}) above maximum (${max}): ${expression}`);
  if (start > end) throw new Error(`beginning of range (${start}) beyond end of range (${end}): ${expression}`);
  if (step === 0) throw new Error(`step of range should be a positive number: ${expression}`);
  return { start, end, step, star: anything && step === 1 };
}

/** @param first the number of the first name */
function parseNumber(text: string, names: readonly string[] = [], first = 0): number {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return named + first;
  let value: number;
  try {
    value = atoi(text);
  } catch (error) {
    throw new Error(`failed to parse int from ${text}: ${(error as Error).message}`);
  }
  if (value < 0) throw new Error(`negative number (${value}) not allowed: ${text}`);
  return value;
}
