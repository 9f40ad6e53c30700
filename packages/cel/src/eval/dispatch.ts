/** Calls of functions whose overload may be known only from the arguments. */
import type { FunctionDeclaration, Overload } from '../functions.ts';
import { type Type, typeName } from '../types/type.ts';
import { standardCost } from './cost.ts';
import { EvaluationError, failure, noSuchOverload } from './errors.ts';
import type { Frame, Step } from './frame.ts';
import { work } from './limits.ts';
import { receivesCalls } from './operators.ts';
import { isList, isMap, OpaqueValue, OptionalValue, TypeValue, typeOf, Uint, type Value } from './values.ts';

/**
 * A step that calls a function with what other steps give. What it costs is charged before, unless only the result tells.
 *
 * Errors of arguments, as upstream has it: of two, both are evaluated; of more, none after one that has no value. The call costs
 * where its last argument was evaluated.
 */
export function planCall(fn: FunctionDeclaration, overloads: readonly Overload[], args: readonly Step[]): Step {
  const call = caller(fn, overloads);
  const overload = overloads.length === 1 ? overloads[0]!.id : '';
  const before = costBefore(fn, overload);
  const after = fn.cost?.ofResult;
  const finish = (frame: Frame, values: readonly Value[]) => {
    for (const value of values) work(extent(value));
    if (!after) {
      frame.charge(before(values));
      return call(...values);
    }
    const result = attempt(() => call(...values), frame);
    frame.charge(after(valueOr(result), overload) ?? 1);
    if (result instanceof EvaluationError) throw result;
    return result;
  };
  const fail = (frame: Frame, values: readonly Value[], error: EvaluationError): never => {
    frame.charge(after ? (after(null, overload) ?? 1) : before(values));
    throw error;
  };
  const [first, second] = args;
  if (args.length === 1) {
    return (frame) => {
      const a = attempt(first!, frame);
      return a instanceof EvaluationError ? fail(frame, [null], a) : finish(frame, [a]);
    };
  }
  if (args.length === 2 && !fn.stepwise) {
    return (frame) => {
      const a = attempt(first!, frame);
      const b = attempt(second!, frame);
      if (a instanceof EvaluationError) return fail(frame, [null, valueOr(b)], a);
      return b instanceof EvaluationError ? fail(frame, [a, null], b) : finish(frame, [a, b]);
    };
  }
  const last = args.length - 1;
  return (frame) => {
    const values: Value[] = [];
    for (const [i, arg] of args.entries()) {
      const value = attempt(arg, frame);
      if (value instanceof EvaluationError && i === last) return fail(frame, [...values, null], value);
      if (value instanceof EvaluationError) throw value;
      values.push(value);
    }
    return finish(frame, values);
  };
}

/** The steps that going through an argument takes. Lists are counted by the functions that go through them. */
function extent(value: Value): number {
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 0;
}

/** What a step gives, or the error that it throws. */
export function attempt(step: Step, frame: Frame): Value | EvaluationError {
  try {
    return step(frame);
  } catch (error) {
    if (error instanceof EvaluationError) return error;
    throw error;
  }
}

/** An error is of the size of a value that has none. */
export function valueOr(result: Value | EvaluationError): Value {
  return result instanceof EvaluationError ? null : result;
}

/** An overload that is not known before is known to the cost no better. */
function costBefore(fn: FunctionDeclaration, overload: string): (args: readonly Value[]) => number {
  const actual = fn.cost?.actual;
  if (!actual) return (args) => standardCost(overload, args);
  return (args) => actual(args, overload) ?? standardCost(overload, args);
}

function caller(fn: FunctionDeclaration, overloads: readonly Overload[]): (...args: Value[]) => Value {
  if (fn.unguarded) return overloads[0]!.call;
  const guarded = overloads.map((overload) => ({ call: overload.call, accepts: overload.params.map(acceptor) }));
  return (...args) => {
    for (const { call, accepts } of guarded) {
      if (accepts.every((accept, i) => accept(args[i]!))) return call(...args);
    }
    throw mismatch(fn, args);
  };
}

function mismatch(fn: FunctionDeclaration, args: readonly Value[]): Error {
  if (fn.mismatch === 'unnamed') return noSuchOverload();
  if (fn.mismatch === 'name') return noSuchOverload(receivesCalls(args[0]!) ? undefined : fn.name);
  return failure(`no such overload: ${fn.name}(${args.map((arg) => typeName(typeOf(arg))).join(', ')})`);
}

/** Whether a value may be an argument of a type. Of lists and maps the first element is looked at. */
function acceptor(type: Type): (value: Value) => boolean {
  switch (type.kind) {
    case 'dyn':
    case 'any':
    case 'param':
    case 'error':
      return () => true;
    case 'bool':
      return (value) => typeof value === 'boolean';
    case 'string':
      return (value) => typeof value === 'string';
    case 'int':
      return (value) => typeof value === 'bigint';
    case 'double':
      return (value) => typeof value === 'number';
    case 'null':
      return (value) => value === null;
    case 'uint':
      return (value) => value instanceof Uint;
    case 'bytes':
      return (value) => value instanceof Uint8Array;
    case 'timestamp':
    case 'duration':
      return (value) => (value as { kind?: string } | null)?.kind === type.kind;
    case 'type':
      return (value) => value instanceof TypeValue;
    case 'list': {
      const element = acceptor(type.element);
      return (value) => isList(value) && (value.size === 0 || element(value.get(0)));
    }
    case 'map': {
      const [key, element] = [acceptor(type.key), acceptor(type.value)];
      return (value) => {
        if (!isMap(value)) return false;
        for (const first of value.keys()) return key(first) && element(value.find(first)!);
        return true;
      };
    }
    case 'struct':
      return (value) => isMap(value) || (value instanceof OpaqueValue && typeName(value.type) === type.name);
    case 'opaque':
      if (type.name === 'optional_type') return (value) => value instanceof OptionalValue;
      return (value) => value instanceof OpaqueValue && typeName(value.type) === type.name;
  }
}
