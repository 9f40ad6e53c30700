/** What the arithmetic operators do (cel-go common/types, overflow.go). */
import { failure, noSuchOverload } from './errors.ts';
import { checkItems } from './limits.ts';
import { Duration, Timestamp } from './time.ts';
import { ArrayList, isList, type ListValue, Uint, type Value, ValueMap } from './values.ts';

function int64(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw failure('integer overflow');
  return value;
}

function uint64(value: bigint): Uint {
  if (BigInt.asUintN(64, value) !== value) throw failure('unsigned integer overflow');
  return new Uint(value);
}

/** A list that an accumulator holds and nobody else: `+` appends to it in place. */
export class GrowingList extends ArrayList {
  readonly #grown: Value[];

  constructor() {
    const grown: Value[] = [];
    super(grown);
    this.#grown = grown;
  }
  append(other: ListValue): this {
    for (const item of other) this.#grown.push(item);
    return this;
  }
}

/** A map that an accumulator holds and nobody else: it is inserted into in place. */
export class GrowingMap extends ValueMap {}

/** Two lists one after the other, not copied; a chain of them is copied once it is read. */
class ConcatList implements ListValue {
  readonly list = true;
  readonly size: number;
  readonly #parts: readonly [ListValue, ListValue];
  #items: readonly Value[] | undefined;

  /** @throws EvaluationError for lists that memory cannot hold */
  constructor(left: ListValue, right: ListValue) {
    this.size = checkItems(left.size + right.size);
    this.#parts = [left, right];
  }
  get(index: number): Value {
    return this.#all()[index]!;
  }
  [Symbol.iterator](): Iterator<Value> {
    return this.#all()[Symbol.iterator]();
  }
  #all(): readonly Value[] {
    if (this.#items) return this.#items;
    const items: Value[] = [];
    const pending: ListValue[] = [this];
    for (let next = pending.pop(); next; next = pending.pop()) {
      if (next instanceof ConcatList && !next.#items) pending.push(next.#parts[1], next.#parts[0]);
      else for (const item of next) items.push(item);
    }
    this.#items = items;
    return items;
  }
}

function concat(left: ListValue, right: ListValue): ListValue {
  if (left instanceof GrowingList) return left.append(right);
  if (left.concat) return left.concat(right);
  if (left.size === 0) return right;
  return right.size === 0 ? left : new ConcatList(left, right);
}

/** Whether a value is asked itself for functions that it does not have; then the error does not name them. */
export function receivesCalls(value: Value): boolean {
  return typeof value === 'string' || value instanceof Timestamp || value instanceof Duration;
}

/** The error where an operator is not defined: for some types of its left side it says which operator. */
function undefinedFor(left: Value, operator: string, defined: boolean): Error {
  return noSuchOverload(defined || receivesCalls(left) ? undefined : operator);
}

export function add(a: Value, b: Value): Value {
  switch (typeof a) {
    case 'bigint':
      if (typeof b === 'bigint') return int64(a + b);
      break;
    case 'number':
      if (typeof b === 'number') return a + b;
      break;
    case 'string':
      if (typeof b === 'string') return a + b;
      break;
    case 'object':
      if (a instanceof Uint && b instanceof Uint) return uint64(a.value + b.value);
      if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.concat([a, b]);
      if (a instanceof Duration && b instanceof Duration) return new Duration(a.nanos + b.nanos);
      if (a instanceof Duration && b instanceof Timestamp) return new Timestamp(b.nanos + a.nanos, b.offset);
      if (a instanceof Timestamp && b instanceof Duration) return new Timestamp(a.nanos + b.nanos, a.offset);
      if (isList(a) && isList(b)) return concat(a, b);
      if (a === null || !(a instanceof Uint || a instanceof Uint8Array || isList(a)))
        throw undefinedFor(a, '_+_', false);
      break;
    default:
      throw undefinedFor(a, '_+_', false);
  }
  throw noSuchOverload();
}

export function subtract(a: Value, b: Value): Value {
  if (typeof a === 'bigint' && typeof b === 'bigint') return int64(a - b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (a instanceof Uint && b instanceof Uint) return uint64(a.value - b.value);
  if (a instanceof Duration && b instanceof Duration) return new Duration(a.nanos - b.nanos);
  if (a instanceof Timestamp && b instanceof Duration) return new Timestamp(a.nanos - b.nanos, a.offset);
  if (a instanceof Timestamp && b instanceof Timestamp) return new Duration(a.nanos - b.nanos);
  throw undefinedFor(a, '_-_', isNumeric(a));
}

export function multiply(a: Value, b: Value): Value {
  if (typeof a === 'bigint' && typeof b === 'bigint') return int64(a * b);
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (a instanceof Uint && b instanceof Uint) return uint64(a.value * b.value);
  throw undefinedFor(a, '_*_', isNumeric(a));
}

export function divide(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') return a / b;
  const integers = typeof a === 'bigint' && typeof b === 'bigint';
  if (!integers && !(a instanceof Uint && b instanceof Uint)) throw undefinedFor(a, '_/_', isNumeric(a));
  const [left, right] = integers ? [a, b] : [(a as Uint).value, (b as Uint).value];
  if (right === 0n) throw failure('division by zero');
  return integers ? int64(left / right) : new Uint(left / right);
}

export function modulo(a: Value, b: Value): Value {
  const integers = typeof a === 'bigint' && typeof b === 'bigint';
  if (!integers && !(a instanceof Uint && b instanceof Uint)) {
    throw undefinedFor(a, '_%_', isNumeric(a) && typeof a !== 'number');
  }
  const [left, right] = integers ? [a, b] : [(a as Uint).value, (b as Uint).value];
  if (right === 0n) throw failure('modulus by zero');
  if (integers) int64(left / right);
  return integers ? left % right : new Uint(left % right);
}

export function negate(a: Value): Value {
  if (typeof a === 'bigint') return int64(-a);
  if (typeof a === 'number') return -a;
  if (a instanceof Duration) return new Duration(-a.nanos);
  throw undefinedFor(a, '-_', false);
}

function isNumeric(value: Value): boolean {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint;
}
