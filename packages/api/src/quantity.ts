/**
 * Exact quantities: `100m`, `1.5Gi`, `12e6` (k8s.io/apimachinery/pkg/api/resource).
 *
 * A quantity is unscaled × 10^exponent with a format that decides its suffix. It remembers the text that it was parsed
 * from where upstream does: `1048576` and `+5` stay as written, `1000000` becomes `1M`.
 */

import { trimmed } from './trim.ts';

export type QuantityFormat = 'DecimalExponent' | 'BinarySI' | 'DecimalSI';

/** The text is no quantity; the message is upstream's. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

const WRONG_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const WRONG_NUMBER = 'unable to parse numeric part of quantity';
const WRONG_SUFFIX = "unable to parse quantity's suffix";

const MAX_INT64 = 2n ** 63n - 1n;
/** The most digits that always fit an int64. */
const INT64_DIGITS = 18;
const NANO = -9;

const DECIMAL = new Map([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]);
const DECIMAL_SUFFIX = new Map([...DECIMAL].map(([suffix, exponent]) => [exponent, suffix]));
/** Powers of 1024. */
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

export class Quantity {
  readonly unscaled: bigint;
  readonly exponent: number;
  readonly format: QuantityFormat;
  /** Upstream keeps what does not fit an int64 as a decimal of any size, and rounds and overflows it another way. */
  readonly #big: boolean;
  #text: string | undefined;

  private constructor(unscaled: bigint, exponent: number, format: QuantityFormat, big: boolean, text?: string) {
    this.unscaled = unscaled;
    this.exponent = exponent;
    this.format = format;
    this.#big = big;
    this.#text = text;
  }

  /** @throws QuantityError */
  static parse(text: string): Quantity {
    if (text === '') throw new QuantityError(WRONG_FORMAT);
    if (text === '0') return new Quantity(0n, 0, 'DecimalSI', false, text);
    const { sign, whole, fraction, suffix } = split(text);
    const { exponent, format } = interpret(suffix);
    const digits = whole + fraction;

    if (format === 'BinarySI') {
      const value = BigInt(digits) << BigInt(exponent);
      const precision = 15 - whole.length - Math.trunc((exponent * 3) / 10) - 1;
      if (fraction === '' && precision >= 0 && value <= MAX_INT64) {
        const canonical = (BigInt(digits) & 7n) !== 0n;
        return new Quantity(sign * value, 0, format, false, canonical ? text : undefined);
      }
      return Quantity.#parseBig(sign, value, -fraction.length, format, text);
    }
    const scale = exponent - fraction.length;
    if (digits.length <= INT64_DIGITS && scale >= NANO) {
      const canonical = scale % 3 === 0 && !digits.endsWith('000') && !digits.startsWith('0');
      return new Quantity(sign * BigInt(digits), scale, format, false, canonical ? text : undefined);
    }
    return Quantity.#parseBig(sign, BigInt(digits), scale, format, text);
  }

  /** What is finer than a billionth is rounded away from zero; binary quantities end at the largest int64. */
  static #parseBig(sign: bigint, digits: bigint, scale: number, format: QuantityFormat, text: string): Quantity {
    if (!/^[+-]?\.?\d/.test(text)) throw new QuantityError(WRONG_NUMBER);
    const value = new Quantity(digits, scale, format, true).roundUp(NANO);
    if (format === 'BinarySI' && value.cmp(MAX) > 0) return new Quantity(sign * MAX_INT64, 0, format, false);
    const shown = format === 'BinarySI' && !value.isZero() && value.cmp(ONE) < 0 ? 'DecimalSI' : format;
    return new Quantity(sign * value.unscaled, value.exponent, shown, true);
  }

  /** value × 10^exponent */
  static of(value: number | bigint, format: QuantityFormat = 'DecimalSI', exponent = 0): Quantity {
    return new Quantity(BigInt(value), exponent, format, false);
  }

  isZero(): boolean {
    return this.unscaled === 0n;
  }
  sign(): -1 | 0 | 1 {
    return this.unscaled === 0n ? 0 : this.unscaled > 0n ? 1 : -1;
  }

  cmp(other: Quantity): -1 | 0 | 1 {
    const sign = this.sign();
    if (sign !== other.sign()) return sign > other.sign() ? 1 : -1;
    if (sign === 0) return 0;
    const magnitude = order(this) - order(other);
    if (magnitude !== 0) return magnitude > 0 === sign > 0 ? 1 : -1;
    const [a, b] = align(this, other);
    return a === b ? 0 : a > b ? 1 : -1;
  }

  /** A sum takes the format of its first non-zero part. */
  add(other: Quantity): Quantity {
    const format = this.isZero() ? other.format : this.format;
    if (other.isZero()) return new Quantity(this.unscaled, this.exponent, format, this.#big || other.#big);
    if (this.isZero()) return new Quantity(other.unscaled, other.exponent, format, this.#big || other.#big);
    // Nothing in a cluster is so large beside something so small: a hostile exponent must not become that many digits.
    if (Math.abs(this.exponent - other.exponent) > 10_000) {
      const larger = this.exponent > other.exponent ? this : other;
      return new Quantity(larger.unscaled, larger.exponent, format, true);
    }
    const [a, b, exponent] = align(this, other);
    const big = this.#big || other.#big || !fits(a) || !fits(b) || !fits(a + b);
    return new Quantity(a + b, exponent, format, big);
  }
  sub(other: Quantity): Quantity {
    return this.add(other.neg());
  }
  neg(): Quantity {
    return new Quantity(-this.unscaled, this.exponent, this.format, this.#big);
  }

  /** Away from zero, so that no digit is finer than 10^exponent. */
  roundUp(exponent: number): Quantity {
    if (this.exponent >= exponent) return this;
    return new Quantity(divideUp(this.unscaled, exponent - this.exponent), exponent, this.format, this.#big);
  }

  /** In whole units, rounded away from zero. Overflow is upstream's: 0, or what 64 bits wrap around to. */
  value(): bigint {
    return this.scaledValue(0);
  }
  /** In thousandths, rounded up. */
  milliValue(): bigint {
    return this.scaledValue(-3);
  }
  /** In units of 10^exponent. */
  scaledValue(exponent: number): bigint {
    const shift = this.exponent - exponent;
    if (this.#big) return scaleBig(this, exponent);
    if (shift <= 0) return divideUp(this.unscaled, -shift);
    const scaled = this.unscaled * 10n ** BigInt(Math.min(shift, INT64_DIGITS + 1));
    if (fits(scaled)) return scaled;
    return WRAPPING_SHIFTS.has(shift) ? BigInt.asIntN(64, scaled) : 0n;
  }
  /** The whole number that this is, or undefined where upstream's fast conversion says no. */
  asInt64(): bigint | undefined {
    if (this.#big || this.exponent < 0) return undefined;
    const value = this.unscaled * 10n ** BigInt(Math.min(this.exponent, INT64_DIGITS + 1));
    return fits(value) ? value : undefined;
  }
  /** The nearest float, for ratios and metrics. */
  toNumber(): number {
    const base = Number(this.unscaled);
    return this.exponent === 0 ? base : base * Number(`1e${this.exponent}`);
  }

  /** The canonical text: no fraction, the largest suffix that loses nothing. */
  toString(): string {
    this.#text ??= this.#canonical();
    return this.#text;
  }

  /** The fields of Go's struct, as go-spew writes them (`goDump`). */
  dump(): string {
    const amount = this.#big ? [0n, 0] : [this.unscaled, this.exponent];
    const decimal = this.#big ? `(*inf.Dec)${dumpDecimal(this)}` : '(*inf.Dec)<nil>';
    return (
      `{i:(resource.int64Amount){value:(int64)${amount[0]} scale:(resource.Scale)${amount[1]}}` +
      ` d:(resource.infDecAmount){Dec:${decimal}} s:(string)${this.#text ?? ''} Format:(resource.Format)${this.format}}`
    );
  }

  #canonical(): string {
    if (this.isZero()) return '0';
    if (this.format === 'BinarySI' && (this.cmp(MINUS_1024) <= 0 || this.cmp(PLUS_1024) >= 0)) {
      const whole = this.roundUp(0);
      if (whole.cmp(this) === 0) {
        const [amount, times] = removeFactors(whole.unscaled * 10n ** BigInt(whole.exponent), 1024n);
        return `${amount}${BINARY[times] ?? ''}`;
      }
    }
    let [amount, times] = removeFactors(this.unscaled, 10n);
    times += this.exponent;
    for (; times % 3 !== 0; times--) amount *= 10n;
    if (this.format !== 'DecimalExponent') return `${amount}${DECIMAL_SUFFIX.get(times) ?? ''}`;
    return times === 0 ? `${amount}` : `${amount}e${times}`;
  }
}

const ONE = Quantity.of(1);
const MAX = Quantity.of(MAX_INT64);
const PLUS_1024 = Quantity.of(1024);
const MINUS_1024 = Quantity.of(-1024);

function fits(n: bigint): boolean {
  return n <= MAX_INT64 && n >= -MAX_INT64 - 1n;
}

/** How many digits stand before the decimal point (negative for small fractions). */
function order(q: Quantity): number {
  return (q.unscaled < 0n ? -q.unscaled : q.unscaled).toString().length + q.exponent;
}

function align(a: Quantity, b: Quantity): [a: bigint, b: bigint, exponent: number] {
  const exponent = Math.min(a.exponent, b.exponent);
  return [
    a.unscaled * 10n ** BigInt(a.exponent - exponent),
    b.unscaled * 10n ** BigInt(b.exponent - exponent),
    exponent,
  ];
}

/** n / 10^digits, away from zero. */
function divideUp(n: bigint, digits: number): bigint {
  if (digits === 0 || n === 0n) return n;
  if (digits > n.toString().length) return n > 0n ? 1n : -1n;
  const divisor = 10n ** BigInt(digits);
  const quotient = n / divisor;
  if (quotient * divisor === n) return quotient;
  return n > 0n ? quotient + 1n : quotient - 1n;
}

/** Shifts that upstream multiplies by at once: their overflow wraps around, that of the others is 0. */
const WRAPPING_SHIFTS = new Set([1, 2, 3, 6, 9]);

/** Upstream's decimals have nine places, and are divided as int64 where that seems to fit. */
function scaleBig(q: Quantity, exponent: number): bigint {
  const digits = q.exponent > NANO ? q.unscaled * 10n ** BigInt(Math.min(q.exponent - NANO, 1000)) : q.unscaled;
  const places = Math.max(exponent - Math.min(q.exponent, NANO), 0);
  const divisor = 10n ** BigInt(places);
  const narrow = digits < MAX_INT64 && places <= INT64_DIGITS;
  const dividend = narrow ? BigInt.asIntN(64, digits) : digits;
  const quotient = dividend / divisor;
  const inexact = quotient * divisor !== dividend && (narrow || dividend > 0n);
  return BigInt.asIntN(64, inexact ? quotient + 1n : quotient);
}

/** Upstream's decimals have nine places, their digits stand in words of 64 bits, the least first. */
function dumpDecimal(q: Quantity): string {
  const digits = q.unscaled * 10n ** BigInt(q.exponent - NANO);
  const words: bigint[] = [];
  for (let rest = digits < 0n ? -digits : digits; rest > 0n; rest >>= 64n) words.push(BigInt.asUintN(64, rest));
  return `{unscaled:(big.Int){neg:(bool)${digits < 0n} abs:(big.nat)[${words.join(' ')}]} scale:(inf.Scale)${-NANO}}`;
}

/** By ever larger powers, and down again: a number of a million zeros is divided some forty times. */
function removeFactors(n: bigint, factor: bigint): [rest: bigint, times: number] {
  if (n === 0n) return [n, 0];
  const powers: bigint[] = [];
  let times = 0;
  let rest = n;
  for (let power = factor; rest % power === 0n; power *= power) {
    rest /= power;
    times += 2 ** powers.length;
    powers.push(power);
  }
  for (let i = powers.length - 1; i >= 0; i--) {
    if (rest % powers[i]! !== 0n) continue;
    rest /= powers[i]!;
    times += 2 ** i;
  }
  return [rest, times];
}

/** A suffix begins with no digit: of a digit that could belong to two parts each way would be tried. */
const SYNTAX = /^([+-]?)([0-9]*)(?:\.([0-9]*))?((?:[eEinumkKMGTP]+[-+]?[0-9]*|[-+][0-9]*)?)$/;

/** Leading zeros are dropped, and at least one digit stays. */
function split(text: string): { sign: bigint; whole: string; fraction: string; suffix: string } {
  const parts = SYNTAX.exec(text);
  if (!parts) throw new QuantityError(WRONG_FORMAT);
  const [, sign, digits, fraction = '', suffix] = parts as unknown as string[];
  const whole = digits!.replace(/^0+/, '');
  return { sign: sign === '-' ? -1n : 1n, whole: whole || '0', fraction, suffix: suffix! };
}

function interpret(suffix: string): { exponent: number; format: QuantityFormat } {
  const decimal = DECIMAL.get(suffix);
  if (decimal !== undefined) return { exponent: decimal, format: 'DecimalSI' };
  const binary = BINARY.indexOf(suffix);
  if (binary > 0) return { exponent: binary * 10, format: 'BinarySI' };
  const scientific = /^[eE]([-+]?[0-9]+)$/.exec(suffix);
  if (!scientific) throw new QuantityError(WRONG_SUFFIX);
  const exponent = BigInt(scientific[1]!.replace(/^\+/, ''));
  if (!fits(exponent)) throw new QuantityError(WRONG_SUFFIX);
  return { exponent: Number(BigInt.asIntN(32, exponent)), format: 'DecimalExponent' };
}

const canonicalTexts = new Map<string, string>();
const CANONICAL_TEXTS_MAX = 4096;

/** What Go writes after it has read the text. @throws QuantityError */
export function canonicalQuantity(text: string): string {
  const known = canonicalTexts.get(text);
  if (known !== undefined) return known;
  const canonical = Quantity.parse(trimSpace(text)).toString();
  if (text.length <= 64) {
    if (canonicalTexts.size >= CANONICAL_TEXTS_MAX) canonicalTexts.clear();
    canonicalTexts.set(text, canonical);
  }
  return canonical;
}

const SPACE = /[\s\u0085]/;

function trimSpace(text: string): string {
  return trimmed(text, (character) => SPACE.test(character));
}
