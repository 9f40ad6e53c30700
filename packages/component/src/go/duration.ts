import { quote } from './strconv.ts';

/** Nanoseconds in each of time.ParseDuration's units; both micro signs (U+00B5 and U+03BC) are known. */
const units: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

const limit = 1n << 63n;

/**
 * Go's time.ParseDuration: "1h30m", "-1.5s", "0".
 * @returns milliseconds; the fraction keeps the nanoseconds that a double can hold
 * @throws Error with Go's text
 */
export function parseDuration(text: string): number {
  const fail = (what: string) => new Error(`time: ${what} ${quote(text)}`);
  const [, sign, rest] = /^([+-]?)(.*)$/s.exec(text)!;
  if (rest === '0') return 0;
  if (rest === '') throw fail('invalid duration');
  const term = /([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/y;
  let total = 0n;
  while (term.lastIndex < rest!.length) {
    const [, whole = '', fraction = '', unit = ''] = term.exec(rest!)!;
    if (whole === '' && fraction === '') throw fail('invalid duration');
    if (unit === '') throw fail('missing unit in duration');
    const nanoseconds = units.get(unit);
    if (nanoseconds === undefined) throw fail(`unknown unit ${quote(unit)} in duration`);
    total += BigInt(whole || 0) * nanoseconds;
    total += (BigInt(fraction || 0) * nanoseconds) / 10n ** BigInt(fraction.length);
    if (total > limit) throw fail('invalid duration');
  }
  if (total === limit && sign !== '-') throw fail('invalid duration');
  const milliseconds = Number(total / 1_000_000n) + Number(total % 1_000_000n) / 1e6;
  return sign === '-' ? -milliseconds : milliseconds;
}

/** Go's Duration.String of a number of milliseconds: "1h0m0s", "1.5s", "20ms", "0s". */
export function formatDuration(milliseconds: number): string {
  const sign = milliseconds < 0 ? '-' : '';
  const absolute = Math.abs(milliseconds);
  const ns = BigInt(Math.trunc(absolute)) * 1_000_000n + BigInt(Math.round((absolute % 1) * 1e6));
  if (ns === 0n) return '0s';
  if (ns < 1_000n) return `${sign}${ns}ns`;
  if (ns < 1_000_000n) return `${sign}${Number(ns) / 1e3}\u00b5s`;
  if (ns < 1_000_000_000n) return `${sign}${Number(ns) / 1e6}ms`;
  const hours = ns / units.get('h')!;
  const minutes = (ns / units.get('m')!) % 60n;
  const seconds = `${Number(ns % units.get('m')!) / 1e9}s`;
  if (hours > 0n) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0n ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}
