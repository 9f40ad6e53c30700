/** Values as JSON. */
import { typeName } from '../types/type.ts';
import { sourceOf } from './adapt.ts';
import { toText } from './convert.ts';
import { failure } from './errors.ts';
import { Duration, Timestamp } from './time.ts';
import { isList, isMap, OptionalValue, typeOf, Uint, type Value } from './values.ts';

/**
 * What a value is in JSON: integers that a number cannot hold are bigint, bytes are base64, times and durations are text. What was
 * adapted from JSON is that JSON again.
 * @throws EvaluationError for what JSON has no form for: types, quantities, maps with keys that are no strings
 */
export function toJson(value: Value): unknown {
  const source = sourceOf(value);
  if (source !== undefined) return source;
  switch (typeof value) {
    case 'bigint':
      return integerToJson(value);
    case 'object':
      break;
    default:
      return value;
  }
  if (value === null) return null;
  if (value instanceof Uint) return integerToJson(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Timestamp || value instanceof Duration) return toText(value);
  if (value instanceof OptionalValue && value.value !== undefined) return toJson(value.value);
  if (isList(value)) return [...value].map(toJson);
  if (isMap(value))
    return Object.fromEntries([...value.keys()].map((key) => [keyToJson(key), toJson(value.find(key)!)]));
  throw failure(`type conversion error from '${typeName(typeOf(value))}' to JSON`);
}

function integerToJson(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function keyToJson(key: Value): string {
  if (typeof key === 'string') return key;
  throw failure(`map key "${toText(key)}" is of type ${typeName(typeOf(key))}, not string`);
}
