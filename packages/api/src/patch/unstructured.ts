/**
 * The result of a strategic merge patch becomes an object without a detour over JSON text, and so with faults of its own.
 * Behaviour: k8s.io/apimachinery/pkg/runtime/converter.go (FromUnstructuredWithValidation).
 */
import { decodeBase64 } from '../codec/base64.ts';
import { decodeExactly } from '../codec/exact.ts';
import { sortedDeep } from '../codec/order.ts';
import { stringify } from '../codec/stringify.ts';
import type { ScalarType, StructType, Type } from '../schema.ts';
import { goType, isInt64 } from './goformat.ts';
import { goKind } from './lookup.ts';
import { isObject, type JsonObject, put } from './value.ts';

export interface Restored {
  /** Of the right types as far as Go's reflection sees; not in canonical form. Unknown fields are still there. */
  readonly object: JsonObject;
  /** `unknown field "spec.foo"`, sorted. */
  readonly unknownFields: readonly string[];
}

/** @throws Error for a value of the wrong type: `cannot restore map from bool` */
export function fromUnstructured(object: JsonObject, type: StructType): Restored {
  const unknown: string[] = [];
  const restored = restore(object, type, '', unknown) as JsonObject;
  return { object: restored, unknownFields: unknown.map((path) => `unknown field "${path}"`).sort() };
}

const holding = new WeakMap<StructType, boolean>();

/** Whether such objects have values of any shape: they come out of a Go map, their members in the order of their names. */
export function holdsRaw(type: Type): boolean {
  const searched = new Set<StructType>();
  const holds = leadsToRaw(type, searched);
  // Until the search has ended, what was searched in vain may yet lead back to a type that holds some.
  if (!holds) for (const struct of searched) holding.set(struct, false);
  return holds;
}

/** @param searched what lies on the way, or was searched in vain: types may be within each other */
function leadsToRaw(type: Type, searched: Set<StructType>): boolean {
  switch (type.kind) {
    case 'struct': {
      const known = holding.get(type);
      if (known !== undefined || searched.has(type)) return known ?? false;
      searched.add(type);
      const holds = type.jsonFields.some((field) => leadsToRaw(field.type, searched));
      if (holds) holding.set(type, true);
      return holds;
    }
    case 'list':
      return leadsToRaw(type.element, searched);
    case 'map':
      return leadsToRaw(type.value, searched);
    case 'scalar':
      return type.scalar === 'raw';
    case 'schemaOr':
      return leadsToRaw(type.schema, searched);
  }
}

function restore(value: unknown, type: Type, path: string, unknown: string[]): unknown {
  if (value === null) return null;
  switch (type.kind) {
    case 'struct':
      if (!isObject(value)) throw new Error(`cannot restore struct from: ${kindOf(value)}`);
      return restoreStruct(value, type, path, unknown);
    case 'map': {
      if (!isObject(value)) throw new Error(`cannot restore map from ${kindOf(value)}`);
      const restored: JsonObject = {};
      for (const key of Object.keys(value)) put(restored, key, restore(value[key], type.value, path, unknown));
      return restored;
    }
    case 'list':
      if (!Array.isArray(value)) throw new Error(`cannot restore slice from ${kindOf(value)}`);
      return value.map((item, i) => restore(item, type.element, `${path}[${i}]`, unknown));
    case 'scalar':
      return restoreScalar(value, type);
    default:
      return value;
  }
}

function restoreStruct(value: JsonObject, type: StructType, path: string, unknown: string[]): JsonObject {
  const prefix = path === '' ? '' : `${path}.`;
  const restored = { ...value };
  for (const field of type.jsonFields) {
    if (Object.hasOwn(value, field.json)) {
      restored[field.json] = restore(value[field.json], field.type, prefix + field.json, unknown);
    }
  }
  for (const key of Object.keys(value)) if (!type.byJson.has(key)) unknown.push(prefix + key);
  return restored;
}

/** Whole numbers are cut to the width of an integer, without complaint. */
function restoreScalar(value: unknown, type: ScalarType): unknown {
  switch (type.scalar) {
    case 'string':
      if (typeof value === 'string') return value;
      break;
    case 'bool':
      if (typeof value === 'boolean') return value;
      break;
    case 'int32':
      if (isWhole(value)) return Number(BigInt.asIntN(32, asInt64(value)));
      break;
    case 'int64':
      if (isWhole(value)) return Number.isSafeInteger(value) ? value : asInt64(value);
      break;
    case 'float64':
      if (typeof value === 'number' || typeof value === 'bigint') return value;
      break;
    case 'bytes':
      return restoreBytes(value);
    case 'time':
    case 'microtime':
    case 'quantity':
    case 'intorstring':
      // They read their JSON by themselves, and do not know where they stand.
      decodeExactly(stringify(value), type, false);
      return value;
    case 'raw':
      return sortedDeep(value);
    default:
      return value;
  }
  // Go converts between numbers, and integers to strings, which is not wanted here; of other types it knows nothing.
  const convertible = isInt64(value) ? type.scalar !== 'bool' : typeof value === 'number' && /^int/.test(type.scalar);
  if (convertible) throw new Error(`cannot convert ${goType(value)} to ${type.goName}`);
  throw new Error(`unrecognized type: ${goKind(type)}`);
}

function restoreBytes(value: unknown): unknown {
  if (typeof value === 'string') {
    try {
      decodeBase64(value);
    } catch (error) {
      throw new Error(`error decoding from json: ${(error as Error).message}`);
    }
  } else if (!Array.isArray(value)) throw new Error(`cannot restore slice from ${kindOf(value)}`);
  else if (value.some((byte) => typeof byte !== 'number')) throw new Error('unrecognized type: uint8');
  return value;
}

const MIN_INT64 = -(2n ** 63n);

/** A float beyond 64 bits becomes the least integer, as amd64 converts it. */
function asInt64(value: number | bigint): bigint {
  const whole = BigInt(value);
  return BigInt.asIntN(64, whole) === whole ? whole : MIN_INT64;
}

/** Floats without a fraction count. */
function isWhole(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isInteger(value);
}

/** What Go's reflection calls a decoded JSON value. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'slice';
  return isObject(value) ? 'map' : goType(value);
}
