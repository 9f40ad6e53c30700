/** What patches and apply do with decoded JSON. */
import { rawJson } from '../codec/stringify.ts';

export type JsonObject = { [key: string]: unknown };

/**
 * A scalar as it was written, where that is not as it would be written again: `1.0`. Merge and JSON patches work on texts
 * upstream, whose decoder then tells the one from the other.
 */
export class Written {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
  toJSON(): unknown {
    return rawJson(this.text);
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Written);
}

/** Go's word for a JSON value. */
export function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (value instanceof Written) return 'number';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'number';
    default:
      return typeof value;
  }
}

/** What Go's decoder says of a value that has to be an object and is none. */
export function notAnObject(value: unknown): string {
  return `json: cannot unmarshal ${jsonType(value)} into Go value of type map[string]interface {}`;
}

/** `object[key] = value`, where the key may come from a client: `__proto__` is a key like any other. */
export function put(object: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[key] = value;
  }
}

/** The value of an own property: a client's key must not find what Object.prototype has. */
export function own(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** A copy that shares nothing with `value`, without members that are undefined. A quarter of what a way through JSON costs. */
export function clone<T>(value: T): T {
  if (Array.isArray(value)) return value.map(clone) as T;
  if (!isObject(value)) return value;
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) if (value[key] !== undefined) put(copy, key, clone(value[key]));
  return copy as T;
}

/** Deep equality of decoded JSON. An absent member differs from null. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    return a.every((v, i) => equal(v, b[i]));
  }
  if (Array.isArray(b)) return false;
  const left = a as JsonObject;
  const right = b as JsonObject;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((k) => Object.hasOwn(right, k) && equal(left[k], right[k]));
}
