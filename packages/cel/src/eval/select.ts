/** Fields and elements of values (cel-go interpreter/attributes.go refQualify). */
import { formatFloat } from '@keelson/api/codec/go-float';
import { failure } from './errors.ts';
import { isList, isMap, OptionalValue, Uint, type Value } from './values.ts';

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

/** `has(value.key)` */
export function hasField(value: Value, key: string): boolean {
  const from = value instanceof OptionalValue ? value.value : value;
  return from !== undefined && find(from, key) !== undefined;
}

function find(value: Value, key: Value): Value | undefined {
  if (isMap(value)) return value.find(key);
  if (!isList(value)) return undefined;
  const index = listIndex(key);
  return index >= 0 && index < value.size ? value.get(index) : undefined;
}

/** @throws EvaluationError for what is no index */
function listIndex(key: Value): number {
  if (typeof key === 'bigint') return Number(key);
  if (key instanceof Uint) return Number(key.value);
  if (typeof key === 'number') {
    if (Number.isInteger(key)) return key;
    throw failure(`unsupported index value ${shown(key)} in list`);
  }
  throw failure(`unsupported index type '${typeof key === 'string' ? 'string' : typeof key}' in list`);
}

/** As Go's %v writes a key. */
function shown(key: Value): string {
  if (typeof key === 'number') return formatFloat(key);
  return key instanceof Uint ? String(key.value) : String(key);
}
