import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

test.each([
  [0, '0s'],
  [1, '1ms'],
  [1.5, '1.5ms'],
  [0.0015, '1.5\u00b5s'],
  [0.000001, '1ns'],
  [1500, '1.5s'],
  [60_000, '1m0s'],
  [3_600_000, '1h0m0s'],
  [-90_061_000, '-25h1m1s'],
])('formats %d ms as %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

test('what is formatted reads back', () => {
  fc.assert(fc.property(fc.integer({ min: -1e12, max: 1e12 }), (ms) => parseDuration(formatDuration(ms)) === ms));
});

test.each(['9223372036854775807ns', '-9223372036854775808ns', '2562047h47m16.854775807s'])(
  'the last duration that fits: %s',
  (text) => {
    expect(Math.abs(parseDuration(text))).toBeCloseTo(2 ** 63 / 1e6, -3);
  },
);

test.each(['9223372036854775808ns', '2562047h47m16.854775808s'])('one nanosecond more is refused: %s', (text) => {
  expect(() => parseDuration(text)).toThrow(`time: invalid duration "${text}"`);
});
