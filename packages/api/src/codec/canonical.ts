/**
 * The canonical form of objects: what Go's encoding/json would write after it has read the value into its struct. Zero
 * values with omitempty are gone, the others are there, keys stand in the order of the struct, maps are sorted, quantities
 * and times are rewritten, unknown fields are dropped.
 *
 * This is the fast way, a walk over what JSON.parse made. It knows no error messages: whatever it meets that is not plainly
 * right throws IRREGULAR, and codec/exact.ts goes over the text again with Go's eyes.
 *
 * An int64 beyond ±(2^53 - 1) is a bigint.
 */
import { put } from '../patch/value.ts';
import { canonicalQuantity } from '../quantity.ts';
import type { Field, ListType, MapType, ScalarName, SchemaOrType, StructType, Type } from '../schema.ts';
import { canonicalMicroTime, canonicalTime } from '../time.ts';
import { isCanonicalBase64 } from './base64.ts';
import { sortedKeys } from './go-order.ts';

/** Thrown for a value that needs the exact way. */
const IRREGULAR = { irregular: true } as const;

/** What one walk has seen. */
export interface Walk {
  /** Object keys, to be compared with the text's: fewer mean duplicates. */
  keys: number;
  /** Whether an unknown field matters. */
  readonly strict: boolean;
  /** Whether numbers are what the text said: JSON.parse rounds large integers. */
  readonly exact: boolean;
  /** Whether empty lists and maps stay where omitempty would drop them: Go's empty value is not its absent one. */
  readonly keepsEmpty: boolean;
}

/**
 * A map that came empty: where it is compared it is as good as none, unlike a struct without fields, which looks the same.
 */
export class EmptyMap {
  [key: string]: unknown;
}

type Walker = (value: unknown, walk: Walk) => unknown;
type Source = Record<string, unknown>;

const INT64_MAX = 2n ** 63n - 1n;

/** The walker of a struct. Made once per type. */
function walkerOf(type: StructType): Walker {
  let walker = structWalkers.get(type);
  if (!walker) {
    walker = makeStructWalker(type);
    structWalkers.set(type, walker);
  }
  return walker;
}
const structWalkers = new WeakMap<StructType, Walker>();

/** The canonical form of what an exact decoder has read. */
export function canonicalTree(tree: unknown, type: Type, keepsEmpty = false): unknown {
  return walkerFor(type)(tree, { keys: 0, strict: false, exact: true, keepsEmpty });
}

/** What of a field is in the canonical form. */
export interface Member {
  readonly name: string;
  readonly omits: Omission;
  /** What is written when the field is absent; undefined for nothing. */
  readonly absent: (() => unknown) | undefined;
}

/** What a field needs at each visit. */
interface Plan extends Member {
  readonly walk: Walker;
}

/** Which values of a field are left out. */
type Omission = 'none' | 'null' | 'zero' | 'empty list' | 'empty map';

function makeStructWalker(type: StructType): Walker {
  // Types refer to each other in circles: plans are made at the first visit.
  let plans: Plan[] | undefined;
  return (value, walk) => {
    plans ??= type.jsonFields.map(planOf);
    const source = objectOf(value);
    const out: Source = {};
    let known = 0;
    for (const plan of plans) {
      const given = source[plan.name];
      if (given === undefined || given === null) {
        if (given === null) known++;
        if (plan.absent) out[plan.name] = plan.absent();
        continue;
      }
      known++;
      const walked = plan.walk(given, walk);
      if (!isOmitted(walked, plan.omits) || (walk.keepsEmpty && isEmptyCollection(walked, plan.omits)))
        out[plan.name] = walked;
    }
    let given = 0;
    for (const _ in source) given++;
    walk.keys += given;
    if (given !== known) countUnknown(source, type, walk);
    return out;
  };
}

/** Whether a member with the value, which is in the canonical form, is left out. */
export function isOmitted(value: unknown, omits: Omission): boolean {
  switch (omits) {
    case 'none':
      return false;
    case 'null':
      return value === null;
    case 'zero':
      return value === '' || value === 0 || value === false || value === null;
    case 'empty list':
      return value === null || (value as unknown[]).length === 0;
    case 'empty map':
      for (const _ in value as Source) return false;
      return true;
  }
}

/** Of what is left out: whether it is a list or a map at all. */
function isEmptyCollection(value: unknown, omits: Omission): boolean {
  return value !== null && (omits === 'empty list' || omits === 'empty map');
}

function countUnknown(source: Source, type: StructType, walk: Walk): void {
  if (walk.strict) throw IRREGULAR;
  for (const key in source) if (!type.byJson.has(key)) copyOf(source[key], walk);
}

function planOf(field: Field): Plan {
  return { ...memberOf(field), walk: walkerFor(field.type) };
}

/** What is known of a field that is no inline struct. */
export function memberOf(field: Field): Member {
  const omits = omissionOf(field);
  const zero = zeroOf(field.type, field.pointer);
  const absent = field.pointer ? !field.omitEmpty : !isOmitted(zero(), omits);
  return { name: field.json, omits, absent: absent ? zero : undefined };
}

function omissionOf({ type, pointer, omitEmpty, omitZero }: Field): Omission {
  // A pointer to a zero value is there, and be it as null, as the zero time is.
  if (pointer) return 'none';
  if (omitZero) return 'null';
  if (!omitEmpty) return 'none';
  if (type.kind === 'list') return 'empty list';
  if (type.kind === 'map') return 'empty map';
  if (type.kind !== 'scalar') return 'none';
  // The other scalars are structs in Go, which are never empty.
  const primitive: ScalarName[] = ['string', 'bool', 'int32', 'int64', 'float64', 'bytes'];
  if (primitive.includes(type.scalar)) return 'zero';
  return type.scalar === 'any' ? 'null' : 'none';
}

/** Go's zero value as it is written. Objects are fresh at each call, since the caller may change them. */
function zeroOf(type: Type, pointer: boolean): () => unknown {
  if (pointer) return () => null;
  switch (type.kind) {
    case 'struct':
      return () => walkerOf(type)({}, { keys: 0, strict: false, exact: true, keepsEmpty: false });
    case 'schemaOr':
      return type.or === 'bool' ? () => false : () => null;
    case 'scalar': {
      const zero = ZEROS[type.scalar] ?? null;
      return () => zero;
    }
    default:
      return () => null;
  }
}

const ZEROS: Partial<Record<ScalarName, unknown>> = {
  string: '',
  bool: false,
  int32: 0,
  int64: 0,
  float64: 0,
  quantity: '0',
  intorstring: 0,
};

/** @returns what brings a value of the type into the canonical form; made once for each struct */
export function walkerFor(type: Type): Walker {
  switch (type.kind) {
    case 'struct':
      return walkerOf(type);
    case 'list':
      return listWalker(type);
    case 'map':
      return mapWalker(type);
    case 'schemaOr':
      return unionWalker(type);
    case 'scalar':
      return SCALARS[type.scalar];
  }
}

function listWalker({ element, elementPointer }: ListType): Walker {
  const walkElement = walkerFor(element);
  const zero = zeroOf(element, elementPointer);
  return (value, walk) => {
    if (!Array.isArray(value)) throw IRREGULAR;
    const out: unknown[] = new Array(value.length);
    for (let i = 0; i < value.length; i++) {
      const given: unknown = value[i];
      out[i] = given === null || given === undefined ? zero() : walkElement(given, walk);
    }
    return out;
  };
}

function mapWalker({ value: valueType }: MapType): Walker {
  const walkValue = walkerFor(valueType);
  // No bytes come back from the store as empty ones.
  const isBytes = valueType.kind === 'scalar' && valueType.scalar === 'bytes';
  const zero = isBytes ? () => '' : zeroOf(valueType, false);
  return (value, walk) => {
    const source = objectOf(value);
    // JavaScript puts keys that look like array indices first, whatever the order asked for.
    const keys = sortedKeys(source);
    walk.keys += keys.length;
    const out: Source = keys.length === 0 && walk.keepsEmpty ? new EmptyMap() : {};
    for (const key of keys) {
      const given = source[key];
      put(out, key, given === null || given === undefined ? zero() : walkValue(given, walk));
    }
    return out;
  };
}

function unionWalker({ or, schema }: SchemaOrType): Walker {
  const walkSchema = walkerOf(schema);
  const walkList: Walker = (value, walk) => (value as unknown[]).map((v) => (v === null ? {} : walkSchema(v, walk)));
  return (value, walk) => {
    if (typeof value === 'boolean') return or === 'bool' ? value : null;
    // Upstream reads unions by methods of their own, which are not strict.
    const inner: Walk = { keys: 0, strict: false, exact: walk.exact, keepsEmpty: walk.keepsEmpty };
    const out = Array.isArray(value)
      ? or === 'bool'
        ? irregular()
        : value.length === 0
          ? null
          : or === 'array'
            ? walkList(value, inner)
            : value.map((v) => SCALARS.string(v, inner))
      : walkSchema(value, inner);
    walk.keys += inner.keys;
    return out;
  };
}

function irregular(): never {
  throw IRREGULAR;
}

function objectOf(value: unknown): Source {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw IRREGULAR;
  return value as Source;
}

/** A map as it is, where its keys are in order, or a copy in which they are. */
export function inKeyOrder(source: Source): Source {
  const keys = Object.keys(source);
  for (let i = 1; i < keys.length; i++) {
    if (keys[i]! >= keys[i - 1]!) continue;
    const out: Source = {};
    for (const key of keys.sort()) put(out, key, source[key]);
    return out;
  }
  return source;
}

const SCALARS: Record<ScalarName, Walker> = {
  string: (value) => (typeof value === 'string' ? value : irregular()),
  bool: (value) => (typeof value === 'boolean' ? value : irregular()),
  int32: (value) => (typeof value === 'number' && (value | 0) === value ? value : irregular()),
  int64: (value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    return typeof value === 'bigint' && value <= INT64_MAX && value >= -INT64_MAX - 1n ? value : irregular();
  },
  float64: (value) => (typeof value === 'number' ? value : irregular()),
  bytes: (value) => (typeof value === 'string' && isCanonicalBase64(value) ? value : irregular()),
  time: (value) => (typeof value === 'string' ? canonicalTime(value) : irregular()),
  microtime: (value) => (typeof value === 'string' ? canonicalMicroTime(value) : irregular()),
  quantity: (value) => (typeof value === 'string' ? canonicalQuantity(value) : irregular()),
  intorstring: (value, walk) => (typeof value === 'string' ? value : SCALARS.int32(value, walk)),
  raw: copyOf,
  fields: copyOf,
  json: sortedCopyOf,
  any: sortedCopyOf,
};

/** A copy that keeps the order of keys: upstream keeps such values as text. */
function copyOf(value: unknown, walk: Walk): unknown {
  return copy(value, walk, Object.keys);
}

/** A copy with sorted keys: upstream keeps such values as maps. */
function sortedCopyOf(value: unknown, walk: Walk): unknown {
  return copy(value, walk, sortedKeys);
}

/** The same of any value. */
export function inOrder<T>(value: T): T {
  return sortedCopyOf(value, { keys: 0, strict: false, exact: true, keepsEmpty: false }) as T;
}

function copy(value: unknown, walk: Walk, keysOf: (source: Source) => string[]): unknown {
  if (typeof value === 'number' && !walk.exact && Math.abs(value) > Number.MAX_SAFE_INTEGER) throw IRREGULAR;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((v) => copy(v, walk, keysOf));
  const source = value as Source;
  const keys = keysOf(source);
  walk.keys += keys.length;
  const out: Source = {};
  for (const key of keys) put(out, key, copy(source[key], walk, keysOf));
  return out;
}
