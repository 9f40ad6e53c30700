/** Values of expressions: what they are in JavaScript, and what is common to all (see docs/cel.md). */
import {
  BoolType,
  BytesType,
  DoubleType,
  DurationType,
  DynType,
  IntType,
  listType,
  mapType,
  NullType,
  StringType,
  TimestampType,
  type Type,
  typeType,
  UintType,
} from '../types/type.ts';
import type { Duration, Timestamp } from './time.ts';

/** An unsigned 64-bit integer. */
export class Uint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** A type as a value: `type(1)`, `int`. */
export class TypeValue {
  readonly type: Type;

  constructor(type: Type) {
    this.type = type;
  }
}

/** A value that may be missing. */
export class OptionalValue {
  static readonly NONE = new OptionalValue(undefined);
  /** Undefined for `optional.none()`. */
  readonly value: Value | undefined;

  constructor(value: Value | undefined) {
    this.value = value;
  }
}

/** A value of a library's own type. */
export abstract class OpaqueValue {
  abstract readonly type: Type;
  abstract equals(other: Value): boolean;
}

export interface ListValue {
  readonly list: true;
  readonly size: number;
  /** @param index within the list */
  get(index: number): Value;
  [Symbol.iterator](): Iterator<Value>;
  /** Lists of schemas with the list types set and map are equal in any order. */
  equals?(other: ListValue): boolean | undefined;
  /** What `+` gives, where a schema says that elements replace each other. */
  concat?(other: ListValue): ListValue;
}

export interface MapValue {
  readonly map: true;
  readonly size: number;
  find(key: Value): Value | undefined;
  keys(): Iterable<Value>;
  /** An object of a schema or constructed: its struct type. */
  readonly struct?: Type;
  /** Whether what no schema declares is equal in two objects. */
  sameUndeclared?(other: MapValue): boolean;
}

export type Value =
  | boolean
  | string
  | bigint
  | number
  | null
  | Uint
  | Uint8Array
  | Timestamp
  | Duration
  | TypeValue
  | OptionalValue
  | OpaqueValue
  | ListValue
  | MapValue;

export function isList(value: Value): value is ListValue {
  return typeof value === 'object' && value !== null && (value as Partial<ListValue>).list === true;
}

export function isMap(value: Value): value is MapValue {
  return typeof value === 'object' && value !== null && (value as Partial<MapValue>).map === true;
}

const OPTIONAL: Type = { kind: 'opaque', name: 'optional_type', params: [] };
const LIST = listType(DynType);
const MAP = mapType(DynType, DynType);

/** The type of a value; that of lists and maps says nothing of what is in them. */
export function typeOf(value: Value): Type {
  switch (typeof value) {
    case 'boolean':
      return BoolType;
    case 'string':
      return StringType;
    case 'bigint':
      return IntType;
    case 'number':
      return DoubleType;
  }
  if (value === null) return NullType;
  if (value instanceof Uint) return UintType;
  if (value instanceof Uint8Array) return BytesType;
  if (value instanceof TypeValue) return typeType();
  if (value instanceof OptionalValue) return OPTIONAL;
  if (value instanceof OpaqueValue) return value.type;
  if (isList(value)) return LIST;
  if (isMap(value)) return value.struct ?? MAP;
  return value.kind === 'timestamp' ? TimestampType : DurationType;
}

/** A list of values. */
export class ArrayList implements ListValue {
  readonly list = true;
  readonly items: readonly Value[];

  constructor(items: readonly Value[]) {
    this.items = items;
  }
  get size(): number {
    return this.items.length;
  }
  get(index: number): Value {
    return this.items[index]!;
  }
  [Symbol.iterator](): Iterator<Value> {
    return this.items[Symbol.iterator]();
  }
}

/** What two keys of a map have in common exactly if they are equal: numbers are equal across types. */
export type HashKey = string | bigint | boolean | number;

/** Undefined for values that cannot be keys. */
export function hashKey(key: Value): HashKey | undefined {
  switch (typeof key) {
    case 'string':
    case 'bigint':
    case 'boolean':
      return key;
    case 'number':
      return Number.isInteger(key) ? BigInt(key) : key;
  }
  return key instanceof Uint ? key.value : undefined;
}

/** A map of values. */
export class ValueMap implements MapValue {
  readonly map = true;
  readonly #entries = new Map<HashKey, readonly [Value, Value]>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.set(key, value);
  }
  get size(): number {
    return this.#entries.size;
  }
  find(key: Value): Value | undefined {
    const hash = hashKey(key);
    return hash === undefined ? undefined : this.#entries.get(hash)?.[1];
  }
  *keys(): Iterable<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }
  /** For whoever builds the map, before anybody reads it. */
  set(key: Value, value: Value): void {
    this.#entries.set(hashKey(key)!, [key, value]);
  }
  delete(key: Value): void {
    const hash = hashKey(key);
    if (hash !== undefined) this.#entries.delete(hash);
  }
}

/** An object of a struct type that an expression constructed. */
export class StructValue extends ValueMap {
  readonly struct: Type;

  constructor(struct: Type, fields: Iterable<readonly [string, Value]>) {
    super(fields);
    this.struct = struct;
  }
}

/** How many code points, bytes, elements or entries a value has; undefined for values without a size. */
export function sizeOf(value: Value): number | undefined {
  if (typeof value === 'string') return stringSize(value);
  if (typeof value !== 'object' || value === null) return undefined;
  if (value instanceof Uint8Array) return value.length;
  return (value as { size?: number }).size;
}

/** Code points. */
export function stringSize(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      count--;
      i++;
    }
  }
  return count;
}
