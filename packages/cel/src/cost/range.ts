/** Costs and lengths as ranges, with the arithmetic of unsigned 64-bit integers that stop at the largest. */
import type { Type } from '../types/type.ts';

/** Nothing bounds it. */
export const UNBOUNDED = 2 ** 64;

/** The smallest and the largest cost, or length. */
export interface CostRange {
  readonly min: number;
  readonly max: number;
}

export const UNKNOWN: CostRange = { min: 0, max: UNBOUNDED };

/** What the estimate knows of an argument. */
export interface Estimated {
  readonly type: Type;
  /** How long it can be. */
  readonly size: CostRange;
  /** Of a list: what is known of its elements. */
  readonly element?: Estimated;
  /** The value of a literal. */
  readonly literal?: unknown;
}

export interface CallShape {
  readonly overload: string;
  readonly target: Estimated | undefined;
  readonly args: readonly Estimated[];
}

export interface CallEstimate {
  readonly cost: CostRange;
  /** How long the result can be. */
  readonly size?: CostRange;
}

export function exactly(cost: number): CostRange {
  return { min: cost, max: cost };
}

export function plus(...ranges: readonly CostRange[]): CostRange {
  let [min, max] = [0, 0];
  for (const range of ranges) {
    min = Math.min(min + range.min, UNBOUNDED);
    max = Math.min(max + range.max, UNBOUNDED);
  }
  return { min, max };
}

export function times(a: CostRange, b: CostRange): CostRange {
  const product = (x: number, y: number) => (x === 0 || y === 0 ? 0 : Math.min(x * y, UNBOUNDED));
  return { min: product(a.min, b.min), max: product(a.max, b.max) };
}

/** Each length times a factor, rounded up. */
export function scaled(range: CostRange, factor: number): CostRange {
  const scale = (x: number) => Math.min(Math.ceil(x * factor), UNBOUNDED);
  return { min: scale(range.min), max: scale(range.max) };
}

/** What an unsigned 64-bit integer holds of a number beyond it. */
export function wrapped(x: number): number {
  const rest = x % UNBOUNDED;
  return rest < 0 ? rest + UNBOUNDED : rest;
}

export function union(a: CostRange, b: CostRange): CostRange {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

/** Cost of going through a text once, of each character. */
export const TRAVERSAL = 0.1;
/** Of applying a pattern, of each of its characters. */
export const PATTERN = 0.25;
