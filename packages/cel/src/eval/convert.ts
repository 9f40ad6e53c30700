/** Conversions between types, and values as text (cel-go common/types ConvertToType). */
import { formatFloat } from '@keelson/api/codec/go-float';
import { typeName } from '../types/type.ts';
import { type EvaluationError, failure } from './errors.ts';
import { Duration, parseDuration, parseTimestamp, Timestamp } from './time.ts';
import { TypeValue, typeOf, Uint, type Value } from './values.ts';

const TWO_63 = 2 ** 63;
const TWO_64 = 2 ** 64;

function wrongType(value: Value, to: string): EvaluationError {
  return failure(`type conversion error from '${typeName(typeOf(value))}' to '${to}'`);
}

/** @throws EvaluationError */
export function toInt(value: Value): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof Uint) {
    if (value.value >= 2n ** 63n) throw failure('integer overflow');
    return value.value;
  }
  if (typeof value === 'number') {
    if (!(value > -TWO_63 && value < TWO_63)) throw failure('integer overflow');
    return BigInt(Math.trunc(value));
  }
  if (value instanceof Timestamp) return value.seconds;
  if (value instanceof Duration) return value.nanos;
  if (typeof value === 'string' && /^[+-]?\d+$/.test(value)) {
    const parsed = BigInt(value.startsWith('+') ? value.slice(1) : value);
    if (BigInt.asIntN(64, parsed) === parsed) return parsed;
  }
  throw wrongType(value, 'int');
}

/** @throws EvaluationError */
export function toUint(value: Value): Uint {
  if (value instanceof Uint) return value;
  if (typeof value === 'bigint') {
    if (value < 0n) throw failure('unsigned integer overflow');
    return new Uint(value);
  }
  if (typeof value === 'number') {
    if (!(value >= 0 && value < TWO_64)) throw failure('unsigned integer overflow');
    return new Uint(BigInt(Math.trunc(value)));
  }
  if (typeof value === 'string' && /^\d+$/.test(value)) {
    const parsed = BigInt(value);
    if (BigInt.asUintN(64, parsed) === parsed) return new Uint(parsed);
  }
  throw wrongType(value, 'uint');
}

const FLOAT = /^[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)$/;
const SPECIAL = /^([+-]?)(inf|infinity|nan)$/i;

/** @throws EvaluationError */
export function toDouble(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint) return Number(value.value);
  if (typeof value === 'string') {
    const special = SPECIAL.exec(value);
    if (special) {
      if (special[2]!.toLowerCase() === 'nan') return Number.NaN;
      return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    }
    const parsed = FLOAT.test(value) ? Number(value) : Number.NaN;
    if (Number.isFinite(parsed)) return parsed;
  }
  throw wrongType(value, 'double');
}

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/** @throws EvaluationError */
export function toBool(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && TRUE.has(value)) return true;
  if (typeof value === 'string' && FALSE.has(value)) return false;
  throw wrongType(value, 'bool');
}

/** @throws EvaluationError */
export function toText(value: Value): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'number':
      return formatDouble(value);
  }
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Timestamp || value instanceof Duration) return value.toString();
  if (value instanceof Uint8Array) {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
    } catch {
      throw failure('invalid UTF-8 in bytes, cannot convert to string');
    }
  }
  if (value instanceof TypeValue) return typeName(value.type);
  throw wrongType(value, 'string');
}

/** Go's %g. */
function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return Object.is(value, -0) ? '-0' : formatFloat(value);
}

/** @throws EvaluationError */
export function toTimestamp(value: Value): Timestamp {
  if (value instanceof Timestamp) return value;
  if (typeof value === 'bigint') return new Timestamp(value * 1_000_000_000n);
  const parsed = typeof value === 'string' ? parseTimestamp(value) : undefined;
  if (parsed) return parsed;
  throw wrongType(value, 'google.protobuf.Timestamp');
}

/** @throws EvaluationError */
export function toDuration(value: Value): Duration {
  if (value instanceof Duration) return value;
  const nanos = typeof value === 'string' ? parseDuration(value) : undefined;
  if (nanos !== undefined) return new Duration(nanos);
  throw wrongType(value, 'google.protobuf.Duration');
}
