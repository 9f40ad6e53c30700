/**
 * What costs few units may be large or take long all the same: upstream's functions of strings and lists that nobody has counted cost 1.
 * Results that would fill the memory are refused, and what takes too long is ended as if it had cost too much.
 */
import { BudgetExceeded, failure } from './errors.ts';

const MAX_TEXT = 32 * 1024 * 1024;
const MAX_ITEMS = 4_000_000;

/** The length of a text that is about to be made. @throws EvaluationError */
export function checkText(length: number): number {
  if (length > MAX_TEXT) throw failure('result is too large');
  return length;
}

/** The length of a list that is about to be made. @throws EvaluationError */
export function checkItems(size: number): number {
  if (size > MAX_ITEMS) throw failure('result is too large');
  return size;
}

/** Steps of an evaluation, of some 10 ns, that its cost may not count: ten for a unit of upstream's limit. */
const MAX_WORK = 10_000_000;
let left: number | undefined;

/** Counts steps while an evaluation, and those within it, run. What goes deeper than the stack is an error of the evaluation. */
export function limited<T>(evaluate: () => T): T {
  if (left !== undefined) return evaluate();
  left = MAX_WORK;
  try {
    return evaluate();
  } catch (error) {
    throw error instanceof RangeError ? failure('value is nested too deeply') : error;
  } finally {
    left = undefined;
  }
}

/** Steps that reading an element of a list takes. */
export const STEPS_OF_ELEMENT = 10;

/** Steps that are about to be taken. @throws BudgetExceeded */
export function work(steps: number): void {
  if (left === undefined) return;
  left -= steps;
  if (left < 0) throw new BudgetExceeded();
}
