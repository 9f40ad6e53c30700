/** How functions are declared: those of the libraries and those of callers alike. */
import type { CallEstimate, CallShape } from './cost/range.ts';
import type { Value } from './eval/values.ts';
import { paramsOf, type Type } from './types/type.ts';

export interface Overload {
  /** Upstream's name of the overload. */
  readonly id: string;
  /** The first is the target of a member function. */
  readonly params: readonly Type[];
  readonly result: Type;
  readonly member?: boolean;
  /** @throws EvaluationError */
  readonly call: (...args: Value[]) => Value;
}

/** What calls of a function cost; the rule for all its overloads. Undefined where it does not say: then the standard rule holds. */
export interface FunctionCost {
  /** In the worst and in the best case, without what the arguments cost. */
  readonly estimate?: (call: CallShape) => CallEstimate | undefined;
  /** What a call costs, charged before it is made. @param args with the target first */
  readonly actual?: (args: readonly Value[], overload: string) => number | undefined;
  /** The same where only the result tells. */
  readonly ofResult?: (result: Value, overload: string) => number | undefined;
}

export interface FunctionDeclaration {
  readonly name: string;
  readonly overloads: readonly Overload[];
  readonly cost?: FunctionCost;
  /** One implementation for all overloads, which looks at its arguments itself. */
  readonly unguarded?: boolean;
  /** Two arguments are evaluated like more: none after one that has no value. */
  readonly stepwise?: boolean;
  /** The error for arguments that fit no overload names the function and their types, or only the function, or neither. */
  readonly mismatch?: 'name' | 'unnamed';
}

/** The functions of some declarations, those of the same name merged in order. */
export function mergeFunctions(
  known: ReadonlyMap<string, FunctionDeclaration>,
  added: readonly FunctionDeclaration[],
): ReadonlyMap<string, FunctionDeclaration> {
  const merged = new Map(known);
  for (const fn of added) {
    const before = merged.get(fn.name);
    merged.set(fn.name, before ? { ...before, ...fn, overloads: [...before.overloads, ...fn.overloads] } : fn);
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
