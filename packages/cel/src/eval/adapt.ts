/**
 * JSON as values, by its declared type, touched where expressions touch it
 * (k8s.io/apiserver/pkg/cel/common/valuesunstructured.go).
 */
import { equalValues } from '@keelson/api/codec/equality';
import {
  type Declared,
  type DeclaredList,
  type DeclaredMap,
  type DeclaredObject,
  DYN,
  fieldOf,
  listOf,
  mapOf,
  STRING,
} from '../types/declared.ts';
import { equals } from './equality.ts';
import { EvaluationError, failure, noSuchOverload } from './errors.ts';
import { work } from './limits.ts';
import { Duration, parseDuration, parseTimestamp, Timestamp } from './time.ts';
import {
  ArrayList,
  isList,
  isMap,
  type ListValue,
  type MapValue,
  OpaqueValue,
  OptionalValue,
  TypeValue,
  Uint,
  type Value,
} from './values.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** @throws EvaluationError for what does not fit the type */
export function adapt(json: unknown, declared: Declared): Value {
  if (json === null || json === undefined) return declared.kind === 'optional' ? OptionalValue.NONE : null;
  if (isValue(json)) return json;
  switch (declared.kind) {
    case 'optional':
      return new OptionalValue(adapt(json, declared.inner));
    case 'scalar':
      return adaptScalar(json, declared.form);
    case 'list':
      if (!Array.isArray(json))
        throw failure('invalid data, expected an array for the provided schema with type=array');
      return declared.listType === 'atomic' ? new JsonList(json, declared) : new KeyedList(json, declared);
    case 'map':
      return new JsonMap(objectOf(json), declared);
    case 'object':
      return new JsonStruct(objectOf(json), declared);
  }
}

function objectOf(json: unknown): JsonObject {
  if (typeof json === 'object' && !Array.isArray(json)) return json as JsonObject;
  throw failure('invalid data, expected a map for the provided schema with type=object');
}

function isValue(json: unknown): json is Value {
  return (
    json instanceof OpaqueValue ||
    json instanceof Uint ||
    json instanceof OptionalValue ||
    json instanceof Timestamp ||
    json instanceof Duration ||
    json instanceof TypeValue ||
    json instanceof Uint8Array ||
    (typeof json === 'object' &&
      json !== null &&
      (json instanceof Adapted || json instanceof ArrayList || marked(json)))
  );
}

/** JSON may have properties called list and map, but not on an object of a class. */
function marked(json: object): boolean {
  const prototype = Object.getPrototypeOf(json);
  if (prototype === Object.prototype || prototype === Array.prototype || prototype === null) return false;
  return isList(json as Value) || isMap(json as Value);
}

function adaptScalar(json: unknown, form: string): Value {
  switch (form) {
    case 'int':
      if (typeof json === 'bigint') return json;
      if (typeof json === 'number' && Number.isInteger(json)) return BigInt(json);
      throw failure(`invalid data, expected int, got ${goName(json)}`);
    case 'uint':
      if (typeof json === 'bigint' || typeof json === 'number') return new Uint(BigInt(json));
      throw failure(`invalid data, expected uint, got ${goName(json)}`);
    case 'double':
      if (typeof json === 'number' || typeof json === 'bigint') return Number(json);
      throw failure(`invalid data, expected float, got ${goName(json)}`);
    case 'bool':
      if (typeof json === 'boolean') return json;
      throw failure(`invalid data, expected bool, got ${goName(json)}`);
    case 'dyn':
    case 'null':
      return adaptDyn(json);
    default:
      if (typeof json !== 'string') throw failure(`invalid data, expected string, got ${goName(json)}`);
      return adaptString(json, form);
  }
}

function adaptString(text: string, form: string): Value {
  switch (form) {
    case 'bytes':
      return Buffer.from(text, 'base64');
    case 'timestamp': {
      const time = parseTimestamp(text);
      if (time) return time;
      throw failure(`Invalid date-time formatted string ${text}`);
    }
    case 'date': {
      const time = parseTimestamp(`${text}T00:00:00Z`);
      if (time) return time;
      throw failure(`Invalid date formatted string ${text}`);
    }
    case 'duration': {
      const nanos = parseDuration(text) ?? looseDuration(text);
      if (nanos !== undefined) return new Duration(nanos);
      throw failure(`Invalid duration ${text}`);
    }
    default:
      return text;
  }
}

const LOOSE_UNITS: readonly (readonly [RegExp, bigint])[] = [
  [/^(?:ns|nano)/, 1n],
  [/^(?:us|µs|micro)/, 1000n],
  [/^(?:ms|milli)/, 1_000_000n],
  [/^(?:s|sec|secs|seconds?)$/, 1_000_000_000n],
  [/^(?:m|min|mins|minutes?)$/, 60_000_000_000n],
  [/^(?:h|hr|hrs|hours?)$/, 3_600_000_000_000n],
  [/^(?:d|days?)$/, 86_400_000_000_000n],
  [/^(?:w|wk|wks|weeks?)$/, 604_800_000_000_000n],
];

/** OpenAPI's durations also know days and weeks, and units in words: `3 weeks`. */
function looseDuration(text: string): bigint | undefined {
  const parts = [...text.matchAll(/\s*(\d+)\s*([A-Za-zµ]+)/gy)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text.trimEnd()) return undefined;
  let total = 0n;
  for (const [, amount, unit] of parts) {
    const scale = LOOSE_UNITS.find(([name]) => name.test(unit!.toLowerCase()))?.[1];
    if (scale === undefined) return undefined;
    total += BigInt(amount!) * scale;
  }
  return total;
}

const ANY_LIST = listOf(DYN);
const ANY_MAP = mapOf(STRING, DYN);

function adaptDyn(json: unknown): Value {
  switch (typeof json) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return json;
    case 'number':
      return Number.isInteger(json) ? BigInt(json) : json;
    default:
      if (Array.isArray(json)) return new JsonList(json, ANY_LIST);
      return new JsonMap(json as JsonObject, ANY_MAP);
  }
}

function goName(json: unknown): string {
  switch (typeof json) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'number':
    case 'bigint':
      return Number.isInteger(json) || typeof json === 'bigint' ? 'int64' : 'float64';
    default:
      return Array.isArray(json) ? '[]interface {}' : 'map[string]interface {}';
  }
}

/** What JSON a value was made from, or undefined for one that was computed. */
export function sourceOf(value: Value): unknown {
  return value instanceof Adapted ? value.source : undefined;
}

/** Steps that reading a key takes. */
const STEPS_OF_KEY = 20;

abstract class Adapted {
  abstract readonly source: unknown;
}

class JsonList extends Adapted implements ListValue {
  readonly list = true;
  readonly source: readonly unknown[];
  protected readonly declared: DeclaredList;

  constructor(source: readonly unknown[], declared: DeclaredList) {
    super();
    this.source = source;
    this.declared = declared;
  }
  get strict() {
    return this.declared.strict;
  }
  get size(): number {
    return this.source.length;
  }
  get(index: number): Value {
    return adapt(this.source[index], this.declared.element);
  }
  *[Symbol.iterator](): Iterator<Value> {
    for (const item of this.source) yield adapt(item, this.declared.element);
  }
}

/** A list of the type set or map: order means nothing, and `+` puts elements in the place of those with the same key. */
class KeyedList extends JsonList {
  equals(other: ListValue): boolean | undefined {
    if (this.size !== other.size) return false;
    work(this.size * STEPS_OF_KEY);
    const mine = new Map([...this].map((element) => [this.#key(element), element] as const));
    for (const element of other) {
      const match = mine.get(this.#key(element));
      if (match === undefined) return false;
      const equal = this.declared.listType === 'set' || equals(match, element);
      if (equal !== true) return equal;
    }
    return true;
  }

  concat(other: ListValue): ListValue {
    work((this.size + other.size) * STEPS_OF_KEY);
    const items = new Map([...this].map((element) => [this.#key(element), element] as const));
    for (const element of other) {
      const key = this.#key(element);
      if (this.declared.listType === 'map' || !items.has(key)) items.set(key, element);
    }
    return new KeyedList([...items.values()], this.declared);
  }

  #key(element: Value): string {
    if (this.declared.listType === 'set') return hashText(element);
    const source = isMap(element) ? element : undefined;
    return this.declared.keys.map((key) => hashText(source?.find(key) ?? null)).join('\0');
  }
}

function hashText(value: Value): string {
  return `${typeof value}:${value instanceof Uint ? value.value : String(value)}`;
}

class JsonMap extends Adapted implements MapValue {
  readonly map = true;
  readonly source: JsonObject;
  readonly #declared: DeclaredMap;
  #size: number | undefined;

  constructor(source: JsonObject, declared: DeclaredMap) {
    super();
    this.source = source;
    this.#declared = declared;
  }
  get strict() {
    return this.#declared.strict;
  }
  get size(): number {
    if (this.#size === undefined) {
      this.#size = Object.keys(this.source).length;
      work(this.#size * STEPS_OF_KEY);
    }
    return this.#size;
  }
  find(key: Value): Value | undefined {
    if (typeof key !== 'string' && this.strict) throw noSuchOverload();
    if (typeof key !== 'string' || !Object.hasOwn(this.source, key)) return undefined;
    return adapt(this.source[key], this.#declared.value);
  }
  keys(): Iterable<Value> {
    return Object.keys(this.source);
  }
}

/** An object with declared fields. A field that is null is one that is absent; what is not declared is not seen. */
class JsonStruct extends Adapted implements MapValue {
  readonly map = true;
  readonly source: JsonObject;
  readonly #declared: DeclaredObject;

  constructor(source: JsonObject, declared: DeclaredObject) {
    super();
    this.source = source;
    this.#declared = declared;
  }
  get size(): number {
    return Object.keys(this.source).length;
  }
  get strict() {
    return this.#declared.strict;
  }
  find(key: Value): Value | undefined {
    if (typeof key !== 'string' && this.strict) throw noSuchOverload();
    const field = typeof key === 'string' ? fieldOf(this.#declared, key) : undefined;
    if (!field || !Object.hasOwn(this.source, field.json)) return undefined;
    const json = this.source[field.json];
    return json === null || json === undefined ? undefined : adapt(json, field.declared);
  }
  *keys(): Iterable<Value> {
    for (const [name, field] of this.#declared.fields) if (Object.hasOwn(this.source, field.json)) yield name;
  }
  sameUndeclared(other: MapValue): boolean | undefined {
    const undeclared = Object.keys(this.source).filter((name) => !this.#declared.jsonNames.has(name));
    if (!(other instanceof JsonStruct)) return this.strict && undeclared.length > 0 ? undefined : true;
    return undeclared.every(
      (name) => !Object.hasOwn(other.source, name) || equalValues(this.source[name], other.source[name]),
    );
  }
}

/**
 * An object whose fields are computed when they are selected, once. What computing a field throws is thrown by whoever selects it;
 * an error is remembered, a `Pending` is not.
 */
export function lazyObject(fields: Readonly<Record<string, () => Value>>): MapValue {
  return new LazyObject(fields);
}

class LazyObject implements MapValue {
  readonly map = true;
  readonly #fields: Readonly<Record<string, () => Value>>;
  readonly #known = new Map<string, { value: Value } | { error: EvaluationError }>();

  constructor(fields: Readonly<Record<string, () => Value>>) {
    this.#fields = fields;
  }
  get size(): number {
    return Object.keys(this.#fields).length;
  }
  find(key: Value): Value | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.#fields, key)) return undefined;
    const known = this.#known.get(key) ?? this.#compute(key);
    if ('error' in known) throw known.error;
    return known.value;
  }
  keys(): Iterable<Value> {
    return Object.keys(this.#fields);
  }

  #compute(name: string): { value: Value } | { error: EvaluationError } {
    const known = this.#attempt(this.#fields[name]!);
    this.#known.set(name, known);
    return known;
  }

  #attempt(compute: () => Value): { value: Value } | { error: EvaluationError } {
    try {
      return { value: compute() };
    } catch (error) {
      if (error instanceof EvaluationError) return { error };
      throw error;
    }
  }
}
