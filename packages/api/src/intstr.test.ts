import { expect, it } from 'vitest';
import { scaledValue } from './intstr.ts';

it.each([
  [5, 100, true, 5],
  ['25%', 10, true, 3],
  ['25%', 10, false, 2],
  ['-5%', 10, false, -1],
  ['0%', 0, true, 0],
] as const)('%j of %d', (value, total, roundUp, count) => expect(scaledValue(value, total, roundUp) + 0).toBe(count));

it('refuses other strings in words of Go', () => {
  expect(() => scaledValue('5', 10, true)).toThrow(
    'invalid value for IntOrString: invalid type: string is not a percentage',
  );
  expect(() => scaledValue('x%', 10, true)).toThrow(
    'invalid value for IntOrString: invalid value "x%": strconv.Atoi: parsing "x": invalid syntax',
  );
});
