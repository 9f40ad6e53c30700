/** Equality and order of values of any types (cel-go common/types Equal and Compare). */

import { compareStrings } from '@keelson/api/codec/go-order';
import { typeName } from '../types/type.ts';
import { failure, noSuchOverload } from './errors.ts';
import { work } from './limits.ts';
import { Duration, Timestamp } from './time.ts';
import {
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

/**
 * Values of different types are not equal, but for numbers; undefined for those that refuse to be compared: values of libraries, and
 * lists and objects of schemas, with those of another type.
 */
export function equals(a: Value, b: Value): boolean | undefined {
  switch (typeof a) {
    case 'boolean':
    case 'string':
      return a === b;
    case 'bigint':
    case 'number':
      return numbersEqual(a, b);
  }
  if (a === null || b === null) return a === b;
  if (a instanceof Uint) return numbersEqual(a, b);
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof TypeValue) return b instanceof TypeValue && typeName(a.type) === typeName(b.type);
  if (a instanceof OptionalValue) return b instanceof OptionalValue && optionalsEqual(a, b);
  if (a instanceof OpaqueValue) return a.equals(b);
  if (isList(a)) return isList(b) ? (a.equals ? a.equals(b) : listsEqual(a, b)) : otherwise(a);
  return isMap(b) ? mapsEqual(a, b) : otherwise(a);
}

/** What a list or a map says of a value that is none. */
function otherwise({ strict }: ListValue | MapValue): false | undefined {
  return strict ? undefined : false;
}

/** What the elements say of each other is what their container says; one of no schema takes those that refuse for equal. */
function differs({ strict }: ListValue | MapValue, equal: boolean | undefined): boolean {
  return strict ? equal !== true : equal === false;
}

function numbersEqual(a: bigint | number | Uint, b: Value): boolean {
  if (!isNumber(b)) return false;
  return !Number.isNaN(a) && !Number.isNaN(b) && compareNumbers(a, b) === 0;
}

function optionalsEqual(a: OptionalValue, b: OptionalValue): boolean | undefined {
  if (a.value === undefined || b.value === undefined) return a.value === b.value;
  return equals(a.value, b.value);
}

/** Steps that comparing two elements takes, with reading them. */
const STEPS = 10;

function listsEqual(a: ListValue, b: ListValue): boolean | undefined {
  if (a.size !== b.size) return false;
  work(a.size * STEPS);
  for (let i = 0; i < a.size; i++) {
    const equal = equals(a.get(i), b.get(i));
    if (differs(a, equal)) return equal;
  }
  return true;
}

function mapsEqual(a: MapValue, b: MapValue): boolean | undefined {
  if (a.size !== b.size) return false;
  if (a.struct && b.struct && typeName(a.struct) !== typeName(b.struct)) return false;
  work(a.size * STEPS);
  for (const key of a.keys()) {
    const [left, right] = [a.find(key), b.find(key)];
    if (left === undefined && right === undefined) continue;
    const equal = left !== undefined && right !== undefined && equals(left, right);
    if (differs(a, equal)) return equal;
  }
  return a.sameUndeclared ? a.sameUndeclared(b) : true;
}

/** Whether values of the type of a value have an order. */
export function isOrdered(value: Value): boolean {
  if (typeof value !== 'object') return true;
  return (
    value instanceof Uint || value instanceof Uint8Array || value instanceof Timestamp || value instanceof Duration
  );
}

/** Negative, zero or positive. @throws EvaluationError for values without an order between them */
export function compare(a: Value, b: Value): number {
  if (isNumber(a)) {
    if (Number.isNaN(a)) throw failure('NaN values cannot be ordered');
    if (!isNumber(b)) throw noSuchOverload();
    if (Number.isNaN(b)) throw failure('NaN values cannot be ordered');
    return compareNumbers(a, b);
  }
  if (typeof a === 'string') {
    if (typeof b !== 'string') throw noSuchOverload();
    return compareStrings(a, b);
  }
  if (typeof a === 'boolean') {
    if (typeof b !== 'boolean') throw noSuchOverload();
    return Number(a) - Number(b);
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if ((a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration)) {
    return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
  }
  throw noSuchOverload();
}

const MAX_INT = 2 ** 63;
const MAX_UINT = 2 ** 64;

/** An integer is compared with a double as the double nearest to it. */
function compareNumbers(a: bigint | number | Uint, b: bigint | number | Uint): number {
  if (typeof a === 'number') return typeof b === 'number' ? sign(a, b) : -compareNumbers(b, a);
  const integer = a instanceof Uint ? a.value : a;
  if (typeof b !== 'number') return sign(integer, b instanceof Uint ? b.value : b);
  const [low, high] = a instanceof Uint ? [0, MAX_UINT] : [-MAX_INT, MAX_INT];
  if (b < low) return 1;
  return b > high ? -1 : sign(Number(integer), b);
}

function sign<T extends bigint | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isNumber(value: Value): value is bigint | number | Uint {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint;
}
