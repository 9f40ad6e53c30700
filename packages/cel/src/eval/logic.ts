/** Steps of operators that decide what is evaluated, or what an error means (cel-go interpreter: evalOr, evalEq, evalExhaustiveConditional). */
import { comparing } from './cost.ts';
import { attempt, valueOr } from './dispatch.ts';
import { equals } from './equality.ts';
import { EvaluationError, noSuchOverload } from './errors.ts';
import type { Step } from './frame.ts';
import { OptionalValue, Uint, type Value } from './values.ts';

/** `||` and `&&`: the value that ends the evaluation wins over errors before it. @param decisive that value */
export function logical(terms: readonly Step[], decisive: boolean): Step {
  return (frame) => {
    let error: EvaluationError | undefined;
    for (const term of terms) {
      try {
        const value = term(frame);
        if (value === decisive) return decisive;
        if (typeof value !== 'boolean') error ??= noSuchOverload();
      } catch (thrown) {
        if (!(thrown instanceof EvaluationError)) throw thrown;
        error ??= thrown;
      }
    }
    if (error) throw error;
    return !decisive;
  };
}

export function conditional(condition: Step, whenTrue: Step, whenFalse: Step): Step {
  return (frame) => {
    const value = condition(frame);
    if (typeof value !== 'boolean') throw noSuchOverload();
    return value ? whenTrue(frame) : whenFalse(frame);
  };
}

/** `==`, or `!=`. @param costOf what the function says that it costs; by the size of both otherwise */
export function equality(
  left: Step,
  right: Step,
  wanted: boolean,
  costOf: ((values: readonly Value[], overload: string) => number | undefined) | undefined,
): Step {
  return (frame) => {
    const a = attempt(left, frame);
    const b = attempt(right, frame);
    const values = [valueOr(a), valueOr(b)] as const;
    frame.charge(costOf?.(values, 'equals') ?? comparing(...values));
    if (a instanceof EvaluationError) throw a;
    if (b instanceof EvaluationError) throw b;
    const equal = equals(a, b);
    if (equal === undefined && wanted) throw noSuchOverload();
    return (equal ?? false) === wanted;
  };
}

export function notStrictlyFalse(operand: Step): Step {
  return (frame) => {
    const value = attempt(operand, frame);
    frame.charge(1);
    return typeof value === 'boolean' ? value : true;
  };
}

/** What two scalars have in common exactly if they are equal: numbers are, across types. Undefined for other values. */
function scalarKey(value: Value): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (value instanceof Uint) return value.value;
  return value === null || typeof value !== 'object' ? value : undefined;
}

/** `x in [constants]` looks the value up; that costs nothing. Undefined for constants that cannot be looked up. */
export function membership(element: Step, constants: Iterable<Value>): Step | undefined {
  const set = new Set<unknown>();
  for (const item of constants) {
    const key = scalarKey(item);
    if (key === undefined) return undefined;
    set.add(key);
  }
  return (frame) => {
    const key = scalarKey(element(frame));
    return key !== undefined && set.has(key);
  };
}

/** What an optional value has, or the second. @param keepsOptional it stays one: `or`, not `orValue` */
export function orElse(first: Step, second: Step, keepsOptional: boolean): Step {
  return (frame) => {
    const optional = first(frame);
    if (!(optional instanceof OptionalValue)) return optional;
    if (optional.value === undefined) return second(frame);
    return keepsOptional ? optional : optional.value;
  };
}
