import { describe, expect, it } from 'vitest';
import { canonicalQuantity, Quantity, QuantityError } from './quantity.ts';

describe('the canonical text', () => {
  it.each([
    // As written, where upstream keeps the text.
    ['0', '0'],
    ['1048576', '1048576'],
    ['+5', '+5'],
    ['005', '005'],
    ['5.', '5.'],
    ['12e6', '12e6'],
    ['1025Ki', '1025Ki'],
    // Rewritten.
    ['-0', '0'],
    ['.', '0'],
    ['+', '0'],
    ['1000000', '1M'],
    ['0.5', '500m'],
    ['.5', '500m'],
    ['1.5Gi', '1536Mi'],
    ['1024Ki', '1Mi'],
    ['0.1Ki', '102400m'],
    ['0.1m', '100u'],
    ['1e4', '10e3'],
    ['12E6', '12E6'],
    ['0.0001', '100u'],
    [' 100m ', '100m'],
    // At the limits.
    ['0.0000000001', '1n'],
    ['-0.0000000001', '-1n'],
    ['16Ei', '9223372036854775807'],
    ['1000E', '1'],
    ['123456789012345678901', '123456789012345678901'],
    ['1e1000000000', '10e999999999'],
  ])('%s → %s', (text, canonical) => expect(canonicalQuantity(text)).toBe(canonical));

  const wrong = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  it.each([
    ['', wrong],
    ['1,0', wrong],
    ['1..2', wrong],
    ['x', wrong],
    ['true', wrong],
    ['1ki', "unable to parse quantity's suffix"],
    ['1e', "unable to parse quantity's suffix"],
    ['e-19', 'unable to parse numeric part of quantity'],
  ])('%j: %s', (text, message) => expect(() => canonicalQuantity(text)).toThrow(message));
});

it('rounds up to units and thousandths', () => {
  expect(Quantity.parse('1001m').value()).toBe(2n);
  expect(Quantity.parse('-1001m').value()).toBe(-2n);
  expect(Quantity.parse('1.0000001').milliValue()).toBe(1001n);
  expect(Quantity.parse('1Gi').value()).toBe(1073741824n);
  expect(Quantity.parse('1.5').asInt64()).toBeUndefined();
  expect(Quantity.parse('3k').asInt64()).toBe(3000n);
  expect(Quantity.parse('250m').toNumber()).toBe(0.25);
});

it('wraps around and drops to zero as upstream does', () => {
  expect(Quantity.parse('42601833877307E6').value()).toBe(5708345729887896768n);
  expect(Quantity.parse('1000E').value()).toBe(0n);
});

it('computes', () => {
  const sum = (a: string, b: string) => Quantity.parse(a).add(Quantity.parse(b)).toString();
  expect(sum('500m', '1500m')).toBe('2');
  expect(sum('0', '1Gi')).toBe('1Gi');
  expect(sum('1Gi', '1')).toBe('1073741825');
  expect(sum('100m', '1Ki')).toBe('1024100m');
  expect(Quantity.parse('1').sub(Quantity.parse('1500m')).toString()).toBe('-500m');
  expect(Quantity.parse('1100u').roundUp(-3).toString()).toBe('2m');
});

it('compares what differs in format and size', () => {
  const cmp = (a: string, b: string) => Quantity.parse(a).cmp(Quantity.parse(b));
  expect(cmp('1Ki', '1024')).toBe(0);
  expect(cmp('1000m', '1')).toBe(0);
  expect(cmp('-1', '1m')).toBe(-1);
  expect(cmp('-2', '-1')).toBe(-1);
  expect(cmp('1e1000000000', '9E')).toBe(1);
  expect(cmp('999999999999999999999', '1e21')).toBe(-1);
});

it('does not grow with a hostile exponent', () => {
  const huge = Quantity.parse('1e1000000000');
  expect(huge.add(Quantity.parse('1')).cmp(huge)).toBe(0);
  expect(huge.value()).toBe(0n);
  expect(huge.roundUp(-3).toString()).toBe('10e999999999');
});

it.each<[string, string | undefined]>([
  [`${'0'.repeat(100_000)}x`, undefined],
  [`${'1'.repeat(100_000)}x`, undefined],
  [`1${' '.repeat(100_000)}x`, undefined],
  [`${' '.repeat(100_000)}1${'\u0085'.repeat(100_000)}`, '1'],
  // There is no suffix for so many.
  [`1${'0'.repeat(99_999)}`, '1'],
])('takes time by the character: %#', (text, expected) => {
  const startedAt = performance.now();
  if (expected === undefined) expect(() => canonicalQuantity(text)).toThrow(QuantityError);
  else expect(canonicalQuantity(text)).toBe(expected);
  // By the square of their number they take seconds, by the cube days.
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});
