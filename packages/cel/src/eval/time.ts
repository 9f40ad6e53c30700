/** Times and durations with nanoseconds, as Go parses, computes and prints them. */
import { failure } from './errors.ts';
import { work } from './limits.ts';

const SECOND = 1_000_000_000n;
const MINUTE = 60n * SECOND;
const HOUR = 60n * MINUTE;
const MAX_INT64 = 2n ** 63n - 1n;
/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z in seconds. */
const MIN_UNIX = -62135596800n;
const MAX_UNIX = 253402300799n;

/** A length of time: nanoseconds in 64 bits. */
export class Duration {
  readonly kind = 'duration';
  readonly nanos: bigint;

  /** @throws EvaluationError where it does not fit */
  constructor(nanos: bigint) {
    if (BigInt.asIntN(64, nanos) !== nanos) throw failure('integer overflow');
    this.nanos = nanos;
  }

  /** `3723s`, as string() of a duration. */
  toString(): string {
    return `${trimFloat(Number(this.nanos / SECOND) + Number(this.nanos % SECOND) / 1e9)}s`;
  }
}

/** A point in time between the years 1 and 9999, in nanoseconds since 1970, with the offset at which it was written. */
export class Timestamp {
  readonly kind = 'timestamp';
  readonly nanos: bigint;
  /** Minutes east of UTC in which it is printed. */
  readonly offset: number;

  /** @throws EvaluationError out of range */
  constructor(nanos: bigint, offset = 0) {
    const seconds = floorDiv(nanos, SECOND);
    if (seconds < MIN_UNIX || seconds > MAX_UNIX) throw failure('timestamp overflow');
    this.nanos = nanos;
    this.offset = offset;
  }

  get seconds(): bigint {
    return floorDiv(this.nanos, SECOND);
  }

  /** RFC 3339 with as many digits of the second as are needed. */
  toString(): string {
    const fraction = this.nanos - this.seconds * SECOND;
    const local = new Date(Number(this.seconds) * 1000 + this.offset * 60_000).toISOString().slice(0, 19);
    const digits = fraction === 0n ? '' : `.${fraction.toString().padStart(9, '0').replace(/0+$/, '')}`;
    return `${local}${digits}${formatOffset(this.offset)}`;
  }
}

function formatOffset(minutes: number): string {
  if (minutes === 0) return 'Z';
  const two = (n: number) => String(Math.trunc(Math.abs(n))).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

/** Go's strconv.FormatFloat(x, 'f', -1, 64). */
export function trimFloat(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return text;
  const [mantissa, exponent] = text.split('e') as [string, string];
  const negative = mantissa.startsWith('-');
  const [whole, fraction = ''] = (negative ? mantissa.slice(1) : mantissa).split('.') as [string, string?];
  const shift = Number(exponent);
  const digits = whole + fraction;
  const point = whole.length + shift;
  const plain =
    point <= 0
      ? `0.${'0'.repeat(-point)}${digits}`
      : point >= digits.length
        ? digits.padEnd(point, '0')
        : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return negative ? `-${plain}` : plain;
}

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: SECOND,
  m: MINUTE,
  h: HOUR,
};

/** Go's time.ParseDuration in nanoseconds; undefined for a text that is none. */
export function parseDuration(text: string): bigint | undefined {
  const sign = text.startsWith('-') ? -1n : 1n;
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === '0') return 0n;
  if (!/^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined;
  let total = 0n;
  for (const [, whole = '', fraction = '', unit] of body.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g)) {
    const scale = UNITS[unit!]!;
    total += BigInt(whole || '0') * scale;
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  const limit = sign < 0n ? MAX_INT64 + 1n : MAX_INT64;
  return total > limit ? undefined : sign * total;
}

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** RFC 3339 as Go reads it; undefined for a text that is none. @throws EvaluationError out of range */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = RFC3339.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const exists =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  const [zoneHours, zoneMinutes] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (!exists || zoneHours > 24 || zoneMinutes > 60) return undefined;
  const offset = (match[8] === '-' ? -1 : 1) * (zoneHours * 60 + zoneMinutes);
  const nanos = BigInt((match[7] ?? '').slice(0, 9).padEnd(9, '0'));
  return new Timestamp(BigInt(date.getTime() / 1000 - offset * 60) * SECOND + nanos, offset);
}

/** The parts of a time that expressions ask for, in a zone: `getHours`, `getDayOfWeek`… */
export interface TimeParts {
  readonly year: number;
  /** From 0. */
  readonly month: number;
  /** From 1. */
  readonly day: number;
  /** From 0. */
  readonly dayOfYear: number;
  /** Sunday is 0. */
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly milli: number;
}

/** @param zone a name (`America/New_York`) or an offset (`-08:00`); without one, UTC. @throws EvaluationError for no zone */
export function timeParts(time: Timestamp, zone?: string): TimeParts {
  const offset = zone === undefined ? 0 : zoneOffset(time, zone);
  const local = new Date(Number(time.seconds) * 1000 + offset * 1000);
  const start = new Date(local.getTime());
  start.setUTCMonth(0, 1);
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth(),
    day: local.getUTCDate(),
    dayOfYear: Math.round((local.getTime() - start.getTime()) / 86_400_000),
    weekday: local.getUTCDay(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    milli: Number((time.nanos - time.seconds * SECOND) / 1_000_000n),
  };
}

/** Seconds east of UTC. */
function zoneOffset(time: Timestamp, zone: string): number {
  const colon = zone.indexOf(':');
  if (colon < 0) return namedOffset(time, zone);
  const [hours, minutes] = [atoi(zone.slice(0, colon)), atoi(zone.slice(colon + 1))];
  return (hours * 60 + (zone.startsWith('-') ? -minutes : minutes)) * 60;
}

function atoi(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw failure(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

const STEPS_OF_ZONE = 1000;
const formats = new Map<string, Intl.DateTimeFormat>();

function namedOffset(time: Timestamp, zone: string): number {
  if (zone === '' || zone === 'UTC' || zone === 'Local') return 0;
  work(STEPS_OF_ZONE);
  let format = formats.get(zone);
  if (!format) {
    try {
      format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    } catch {
      throw failure(`unknown time zone ${zone}`);
    }
    if (formats.size < 64) formats.set(zone, format);
  }
  const shown = format.formatToParts(Number(time.seconds) * 1000).find((part) => part.type === 'timeZoneName')?.value;
  const match = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(shown ?? '');
  if (!match) return 0;
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return match[1] === '-' ? -seconds : seconds;
}
