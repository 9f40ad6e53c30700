/** Fields and elements of values (cel-go interpreter/attributes.go refQualify). */
import { formatFloat } from '@keelson/api/codec/go-float';
import { typeName } from '../types/type.ts';
import { sourceOf } from './adapt.ts';
import { failure } from './errors.ts';
import { goNative, goType } from './go-type.ts';
import { isList, isMap, OptionalValue, typeOf, Uint, type Value } from './values.ts';

/** `value.key` or `value[key]`. @throws EvaluationError where there is none */
export function select(value: Value, key: Value): Value {
  const found = find(value, key);
  if (found !== undefined) return found;
  throw failure(`${isList(value) ? 'index out of bounds' : 'no such key'}: ${shown(key)}`);
}

/** `value.?key` or `value[?key]`, and whatever is selected of an optional: an optional. */
export function selectOptional(value: Value, key: Value): OptionalValue {
  const from = value instanceof OptionalValue ? value.value : value;
  const found = from === undefined ? undefined : find(from, key);
  if (found === undefined) return OptionalValue.NONE;
  return found instanceof OptionalValue ? found : new OptionalValue(found);
}

/** `has(value.key)` @throws EvaluationError where a list is asked */
export function hasField(value: Value, key: string): boolean {
  const from = value instanceof OptionalValue ? value.value : value;
  if (from === undefined) return false;
  return (isMap(from) ? from.isSet?.(key) : undefined) ?? find(from, key) !== undefined;
}

/** @throws EvaluationError for a value that can be no key and no index */
export function checkKey(key: Value): void {
  if (key instanceof Uint || (typeof key !== 'object' && key !== null)) return;
  const isJson = key !== null && sourceOf(key) !== undefined;
  throw failure(`invalid qualifier type: ${isJson ? goNative(key) : goType(key)}`);
}

function find(value: Value, key: Value): Value | undefined {
  checkKey(key);
  if (isMap(value)) return value.find(key);
  if (!isList(value)) return undefined;
  const index = listIndex(key);
  return index >= 0 && index < value.size ? value.get(index) : undefined;
}

const MAX_INT = 2n ** 63n - 1n;

/** @throws EvaluationError for what is no index */
function listIndex(key: Value): number {
  if (typeof key === 'bigint') return Number(key);
  if (key instanceof Uint && key.value <= MAX_INT) return Number(key.value);
  if (Number.isInteger(key) && Math.abs(key as number) < 2 ** 63) return key as number;
  const what =
    typeof key === 'number' || key instanceof Uint ? `value ${shown(key)}` : `type '${typeName(typeOf(key))}'`;
  throw failure(`unsupported index ${what} in list`);
}

/** As Go's %v writes a key. */
function shown(key: Value): string {
  return typeof key === 'number' ? formatFloat(key) : String(key);
}
