import { describe, expect, it } from 'vitest';
import { canonicalMicroTime, canonicalTime, formatMicroTime, formatTime, parseTime } from './time.ts';

describe('Time', () => {
  it.each([
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z'],
    ['2026-01-02T03:04:05.999Z', '2026-01-02T03:04:05Z'],
    ['2026-01-02T03:04:05,5Z', '2026-01-02T03:04:05Z'],
    ['2026-01-02T3:04:05Z', '2026-01-02T03:04:05Z'],
    ['2024-02-29T23:59:59-01:30', '2024-03-01T01:29:59Z'],
    ['0099-01-01T00:00:00Z', '0099-01-01T00:00:00Z'],
    ['0000-01-01T00:00:00+01:00', '-0001-12-31T23:00:00Z'],
    ['9999-12-31T23:59:59-01:00', '10000-01-01T00:59:59Z'],
    ['0001-01-01T00:00:00Z', null],
    ['0001-01-01T01:00:00+01:00', null],
  ])('%s → %s', (text, canonical) => expect(canonicalTime(text)).toBe(canonical));

  const layout = ' as "2006-01-02T15:04:05Z07:00": cannot parse ';
  it.each([
    ['', `parsing time ""${layout}"" as "2006"`],
    ['x', `parsing time "x"${layout}"x" as "2006"`],
    ['2026-01-02 03:04:05Z', `parsing time "2026-01-02 03:04:05Z"${layout}" 03:04:05Z" as "T"`],
    ['2026-13-02T03:04:05Z', 'parsing time "2026-13-02T03:04:05Z": month out of range'],
    ['2026-02-30T03:04:05Z', 'parsing time "2026-02-30T03:04:05Z": day out of range'],
    ['2026-01-02T24:04:05Z', 'parsing time "2026-01-02T24:04:05Z": hour out of range'],
    ['2026-01-02T03:04:05Zé', 'parsing time "2026-01-02T03:04:05Z\\xc3\\xa9": extra text: "\\xc3\\xa9"'],
    ['2026-01-02T03:04:05+25:00', 'parsing time "2026-01-02T03:04:05+25:00": time zone offset hour out of range'],
    ['2026-01-02T03:04:05', `parsing time "2026-01-02T03:04:05"${layout}"" as "Z07:00"`],
  ])('%j: %s', (text, message) => expect(() => canonicalTime(text)).toThrow(message));
});

describe('MicroTime', () => {
  it('wants exactly six digits', () => {
    expect(canonicalMicroTime('2026-01-02T03:04:05.123456+01:00')).toBe('2026-01-02T02:04:05.123456Z');
    expect(() => canonicalMicroTime('2026-01-02T03:04:05Z')).toThrow('cannot parse "Z" as ".000000"');
    expect(() => canonicalMicroTime('2026-01-02T03:04:05.1234567Z')).toThrow('cannot parse "7Z" as "Z07:00"');
  });
});

it('formats dates', () => {
  const date = new Date('2026-01-02T03:04:05.678Z');
  expect(formatTime(date)).toBe('2026-01-02T03:04:05Z');
  expect(formatMicroTime(date)).toBe('2026-01-02T03:04:05.678000Z');
  expect(formatMicroTime(new Date(-1))).toBe('1969-12-31T23:59:59.999000Z');
  expect(parseTime('1970-01-01T00:00:01.25Z')).toEqual({ seconds: 1, nanos: 250_000_000 });
});
