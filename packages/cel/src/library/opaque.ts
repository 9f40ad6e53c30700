/** Values of Kubernetes' own types. */
import { OpaqueValue, type Value } from '../eval/values.ts';
import type { StructType, Type } from '../types/type.ts';

/** A type that counts as an object but has no fields. */
export function objectType(name: string): StructType {
  return { kind: 'struct', name, field: () => undefined, opaque: true };
}

/** A value that wraps another of JavaScript, with what makes two of them equal. */
export abstract class Wrapped<T> extends OpaqueValue {
  abstract override readonly type: Type;
  readonly value: T;

  constructor(value: T) {
    super();
    this.value = value;
  }
  /** Equal values have the same key. */
  protected abstract key(): unknown;

  equals(other: Value): boolean | undefined {
    if (!(other instanceof Wrapped && other.constructor === this.constructor)) return undefined;
    return other.key() === this.key();
  }
}
