/**
 * Times as the API writes them: RFC 3339 in UTC, in whole seconds (meta/v1 Time) or with six digits (meta/v1 MicroTime).
 * Reading is as lenient, and complains in the same words, as Go's time.Parse.
 */

/** The text is no time; the message is Go's. */
export class TimeError extends Error {
  override readonly name = 'TimeError';
}

/** A point in time: seconds since 1970 and nanoseconds, the latter in [0, 1e9). */
export interface Instant {
  readonly seconds: number;
  readonly nanos: number;
}

/** Go's zero time, the year 1: it is written as null. */
export const ZERO_TIME_SECONDS = -62135596800;

/** `2026-01-02T03:04:05Z` */
export function formatTime(date: Date): string {
  return formatSeconds(Math.floor(date.getTime() / 1000));
}

/** `2026-01-02T03:04:05.678000Z` */
export function formatMicroTime(date: Date): string {
  const ms = date.getTime();
  const seconds = Math.floor(ms / 1000);
  return formatInstantMicro({ seconds, nanos: (ms - seconds * 1000) * 1e6 });
}

export function formatSeconds(seconds: number): string {
  if (seconds !== last.seconds) last = { seconds, text: secondsText(seconds) };
  return last.text;
}

/** Most of what is formatted is now. */
let last = { seconds: Number.NaN, text: '' };

function secondsText(seconds: number): string {
  const text = new Date(seconds * 1000).toISOString();
  const end = text.length - '.000Z'.length;
  const year = text.startsWith('+') || text.startsWith('-') ? 7 : 4;
  if (year === 4) return `${text.slice(0, end)}Z`;
  const [sign, digits] = [text[0] === '-' ? '-' : '', text.slice(1, year)];
  return `${sign}${Number(digits).toString().padStart(4, '0')}${text.slice(year, end)}Z`;
}

export function formatInstantMicro({ seconds, nanos }: Instant): string {
  const micros = String(Math.floor(nanos / 1000)).padStart(6, '0');
  return `${formatSeconds(seconds).slice(0, -1)}.${micros}Z`;
}

/** The canonical form of a Time; null for the zero time. @throws TimeError */
export function canonicalTime(text: string): string | null {
  if (CANONICAL.test(text) && isDate(text)) return text === '0001-01-01T00:00:00Z' ? null : text;
  const { seconds, nanos } = parseTime(text);
  return seconds === ZERO_TIME_SECONDS && nanos === 0 ? null : formatSeconds(seconds);
}

/** The canonical form of a MicroTime; null for the zero time. Exactly six digits must be there. @throws TimeError */
export function canonicalMicroTime(text: string): string | null {
  const instant = parseMicroTime(text);
  return instant.seconds === ZERO_TIME_SECONDS && instant.nanos === 0 ? null : formatInstantMicro(instant);
}

/** @throws TimeError */
export function parseTime(text: string): Instant {
  return new Reader(text, '2006-01-02T15:04:05Z07:00').read();
}

/** @throws TimeError */
export function parseMicroTime(text: string): Instant {
  return new Reader(text, '2006-01-02T15:04:05.000000Z07:00').read();
}

/** Milliseconds since 1970 of a canonical Time or MicroTime. */
export function millisOf(time: string): number {
  return Date.parse(time);
}

const CANONICAL = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;

/** Whether the month has the day, for a text in canonical form. */
function isDate(text: string): boolean {
  const day = Number(text.slice(8, 10));
  return day <= 28 || day <= daysIn(Number(text.slice(0, 4)), Number(text.slice(5, 7)));
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Reads a text by a layout, element by element, so that errors name the element. */
class Reader {
  readonly #text: string;
  readonly #layout: string;
  #rest: string;

  constructor(text: string, layout: string) {
    this.#text = text;
    this.#layout = layout;
    this.#rest = text;
  }

  read(): Instant {
    const year = this.#digits('2006', 4);
    this.#literal('-');
    const month = this.#number('01', 'month', 1, 12);
    this.#literal('-');
    const day = this.#digits('02', 2);
    this.#literal('T');
    const hour = this.#hour();
    this.#literal(':');
    const minute = this.#number('04', 'minute', 0, 59);
    this.#literal(':');
    const second = this.#number('05', 'second', 0, 59);
    const nanos = this.#fraction();
    const offset = this.#offset();
    if (this.#rest !== '') throw this.#problem(`: extra text: ${quote(this.#rest)}`);
    if (day < 1 || day > daysIn(year, month)) throw this.#problem(': day out of range');
    // 400 years are a whole number of days and weeks; they keep the years below 100 from being taken for 19xx.
    const seconds = Date.UTC(year + 400, month - 1, day, hour, minute, second) / 1000 - SECONDS_IN_400_YEARS;
    return { seconds: seconds - offset, nanos };
  }

  #problem(message: string): TimeError {
    return new TimeError(`parsing time ${quote(this.#text)}${message}`);
  }
  #mismatch(element: string): TimeError {
    return this.#problem(` as ${quote(this.#layout)}: cannot parse ${quote(this.#rest)} as ${quote(element)}`);
  }

  #literal(text: string): void {
    if (!this.#rest.startsWith(text)) throw this.#mismatch(text);
    this.#rest = this.#rest.slice(1);
  }
  #digits(element: string, count: number): number {
    const digits = this.#rest.slice(0, count);
    if (digits.length < count || !/^\d+$/.test(digits)) throw this.#mismatch(element);
    this.#rest = this.#rest.slice(count);
    return Number(digits);
  }
  #number(element: string, name: string, low: number, high: number): number {
    const value = this.#digits(element, 2);
    if (value < low || value > high) throw this.#problem(`: ${name} out of range`);
    return value;
  }
  /** Go reads an hour of one digit, too. */
  #hour(): number {
    const value = /^\d\D/.test(this.#rest) || this.#rest.length === 1 ? this.#digits('15', 1) : this.#digits('15', 2);
    if (value > 23) throw this.#problem(': hour out of range');
    return value;
  }
  #fraction(): number {
    const element = this.#layout.includes('.000000') ? '.000000' : '';
    if (element !== '') {
      if (!/^[.,]\d{6}/.test(this.#rest)) throw this.#mismatch(element);
      const micros = Number(this.#rest.slice(1, 7));
      this.#rest = this.#rest.slice(7);
      return micros * 1000;
    }
    const fraction = /^[.,](\d+)/.exec(this.#rest);
    if (!fraction) return 0;
    this.#rest = this.#rest.slice(fraction[0].length);
    return Number(fraction[1]!.slice(0, 9).padEnd(9, '0'));
  }
  /** Seconds east of UTC. */
  #offset(): number {
    if (this.#rest.startsWith('Z')) {
      this.#rest = this.#rest.slice(1);
      return 0;
    }
    const zone = /^(.)(\d\d):(..)/su.exec(this.#rest);
    if (!zone) throw this.#mismatch('Z07:00');
    const [hours, minutes] = [Number(zone[2]), /^\d\d$/.test(zone[3]!) ? Number(zone[3]) : -1];
    if (minutes > 60) throw this.#problem(': time zone offset minute out of range');
    if (hours > 24) throw this.#problem(': time zone offset hour out of range');
    if (minutes < 0 || (zone[1] !== '+' && zone[1] !== '-')) throw this.#mismatch('Z07:00');
    this.#rest = this.#rest.slice(6);
    return (zone[1] === '-' ? -60 : 60) * (hours * 60 + minutes);
  }
}

const SECONDS_IN_400_YEARS = 146097 * 86400;

/** Go's time package quotes in a way of its own: what is no printable ASCII becomes bytes in hex. */
function quote(text: string): string {
  let out = '"';
  for (const ch of text) {
    if (ch === '"' || ch === '\\') out += `\\${ch}`;
    else if (ch < ' ' || ch >= '\x80')
      for (const byte of Buffer.from(ch)) out += `\\x${byte.toString(16).padStart(2, '0')}`;
    else out += ch;
  }
  return `${out}"`;
}
