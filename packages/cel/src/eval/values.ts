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
import { Duration, Timestamp } from './time.ts';

/** An unsigned 64-bit integer. */
export class Uint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }

  toString(): string {
    return String(this.value);
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
  /** Undefined for values that it refuses to be compared with. */
  abstract equals(other: Value): boolean | undefined;
}

export interface ListValue {
  readonly list: true;
  /** A list of a schema: it refuses to be compared with what is no list, and is no zero when it is empty. */
  readonly strict?: boolean | undefined;
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
  /** An object or a map of a schema, as for lists; it has no keys but strings. */
  readonly strict?: boolean | undefined;
  readonly size: number;
  find(key: Value): Value | undefined;
  keys(): Iterable<Value>;
  /** An object that was constructed: its struct type. */
  readonly struct?: Type;
  /** Whether `has()` finds a field, where that is not whether it has a value. */
  isSet?(key: string): boolean;
  /** Whether what no schema declares is equal in two objects. */
  sameUndeclared?(other: MapValue): boolean | undefined;
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
  return value instanceof Timestamp ? TimestampType : DurationType;
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

/** Where the values of each type stand as keys of a map: beside each other, so that none of one is one of another. */
const UINTS = 2n ** 64n;
const DURATIONS = 2n ** 67n;
const TIMESTAMPS = 2n ** 80n;

/** What two keys of a map have in common exactly if they are the same key in Go. */
function keyOf(key: Value): unknown {
  if (typeof key !== 'object' || key === null) return key;
  if (key instanceof Uint) return UINTS + key.value;
  if (key instanceof Duration) return DURATIONS + key.nanos;
  if (key instanceof Timestamp) return TIMESTAMPS + key.nanos;
  return key;
}

/** Other keys under which a number is found: a double also as an integer, an int as a uint, a uint as an int. */
function* otherKeysOf(key: Value): Iterable<bigint> {
  if (typeof key === 'bigint' && key >= 0n) yield UINTS + key;
  else if (key instanceof Uint) yield key.value;
  else if (Number.isInteger(key)) yield* [BigInt(key as number), UINTS + BigInt(key as number)];
}

/** A map of values. */
export class ValueMap implements MapValue {
  readonly map = true;
  readonly #entries = new Map<unknown, readonly [Value, Value]>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.set(key, value);
  }
  get size(): number {
    return this.#entries.size;
  }
  find(key: Value): Value | undefined {
    const entry = this.#entries.get(keyOf(key));
    if (entry) return entry[1];
    for (const other of otherKeysOf(key)) {
      const found = this.#entries.get(other);
      if (found) return found[1];
    }
    return undefined;
  }
  *keys(): Iterable<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }
  /** For whoever builds the map, before anybody reads it. */
  set(key: Value, value: Value): void {
    this.#entries.set(keyOf(key), [key, value]);
  }
  delete(key: Value): void {
    this.#entries.delete(keyOf(key));
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
