import { expect, test } from 'vitest';
import { BudgetExceeded } from './errors.ts';
import { Frame } from './frame.ts';

test.each([Number.NaN, Number.POSITIVE_INFINITY, 11])('a cost of %s is over the budget', (units) => {
  expect(() => new Frame(0, 10, {}, new Map()).charge(units)).toThrow(BudgetExceeded);
});
