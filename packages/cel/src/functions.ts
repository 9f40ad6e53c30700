/** How functions are declared: the libraries and the functions of callers alike. */
import type { Value } from './eval/values.ts';
import { paramsOf, type Type } from './types/type.ts';

/** The cost of calls in units, as doubles; `max` may be UNBOUNDED. */
export interface CostRange {
  readonly min: number;
  readonly max: number;
}

/** What the estimate knows of an argument: how long it can be. Undefined where it has no length, or none is known. */
export interface Estimated {
  readonly type: Type;
  readonly size: CostRange;
  /** The names that lead to it from a variable, `@items`, `@keys`, `@values` among them; empty for what is computed. */
  readonly path: readonly string[];
  /** The text of a string literal. */
  readonly literal?: string;
}

export interface CallEstimate {
  readonly cost: CostRange;
  /** How long the result can be. */
  readonly size?: CostRange;
}

export interface Overload {
  /** Upstream's name of the overload. */
  readonly id: string;
  /** The first is the target of a member function. */
  readonly params: readonly Type[];
  readonly result: Type;
  readonly member?: boolean;
  /** @throws EvaluationError */
  readonly call: (...args: Value[]) => Value;
  /** What a call costs in the worst case; without it 1. Arguments are as in `params`. */
  readonly estimate?: (...args: Estimated[]) => CallEstimate;
  /** What a call did cost; without it 1. */
  readonly cost?: (args: readonly Value[], result: Value) => number;
}

export interface FunctionDeclaration {
  readonly name: string;
  readonly overloads: readonly Overload[];
  /** The error for arguments that fit no overload; without it `no such overload: name(int, string)`. */
  readonly mismatch?: 'no such overload';
}

/** The functions of some declarations, those of the same name merged in order. */
export function mergeFunctions(
  known: ReadonlyMap<string, FunctionDeclaration>,
  added: readonly FunctionDeclaration[],
): ReadonlyMap<string, FunctionDeclaration> {
  const merged = new Map(known);
  for (const fn of added) {
    const before = merged.get(fn.name);
    merged.set(fn.name, before ? { ...before, overloads: [...before.overloads, ...fn.overloads] } : fn);
  }
  return merged;
}

/** The generic parameters that the types of an overload name. */
export function typeParamsOf(overload: Overload): string[] {
  const names = new Set<string>();
  const visit = (type: Type) => {
    if (type.kind === 'param') names.add(type.name);
    paramsOf(type).forEach(visit);
  };
  [...overload.params, overload.result].forEach(visit);
  return [...names];
}
