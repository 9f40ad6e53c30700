/** Short ways to write declarations of functions. */
import type { Value } from '../eval/values.ts';
import type { FunctionDeclaration, Overload } from '../functions.ts';
import { listType, mapType, type Type, typeParam } from '../types/type.ts';

export const A = typeParam('A');
export const B = typeParam('B');
export const ListOfA = listType(A);
export const MapOfAB = mapType(A, B);

type Options = Omit<FunctionDeclaration, 'name' | 'overloads'>;

/** A function with its overloads. */
export function fn(name: string, overloads: readonly Overload[], options: Options = {}): FunctionDeclaration {
  return { name, overloads, ...options };
}

/**
 * An overload called as `f(a, b)`. What `call` takes is what `params` say: arguments are looked at before it is called.
 */
export function overload(
  id: string,
  params: readonly Type[],
  result: Type,
  call: (...args: never[]) => Value,
): Overload {
  return { id, params, result, call: call as (...args: Value[]) => Value };
}

/** An overload called as `a.f(b)`. */
export function member(id: string, params: readonly Type[], result: Type, call: (...args: never[]) => Value): Overload {
  return { ...overload(id, params, result, call), member: true };
}
