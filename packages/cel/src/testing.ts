/** For tests: values as text that reads as an expression of the value (cel-go common/types Format). */
import { quote } from '@keelson/api/field';
import { Duration, Timestamp, trimFloat } from './eval/time.ts';
import { isList, isMap, OpaqueValue, OptionalValue, TypeValue, typeOf, Uint, type Value } from './eval/values.ts';
import { typeName } from './types/type.ts';

/** `int:3`, `list:["a"]` */
export function debugFormat(value: Value): string {
  return `${typeName(typeOf(value))}:${format(value)}`;
}

function format(value: Value): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      return formatNumber(value);
    case 'boolean':
    case 'bigint':
      return String(value);
  }
  if (value === null) return 'null';
  if (value instanceof Uint) return `${value.value}u`;
  if (value instanceof Uint8Array) {
    return `b"${[...value].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')}"`;
  }
  if (value instanceof Timestamp) return `timestamp("${new Timestamp(value.nanos)}")`;
  if (value instanceof Duration) return `duration("${value}")`;
  if (value instanceof TypeValue) return typeName(value.type);
  if (value instanceof OptionalValue)
    return value.value === undefined ? 'optional.none()' : `optional.of(${format(value.value)})`;
  if (value instanceof OpaqueValue) return String(value);
  if (isList(value)) return `[${[...value].map(format).join(', ')}]`;
  if (isMap(value))
    return `{${[...value.keys()].map((key) => `${format(key)}: ${format(value.find(key)!)}`).join(', ')}}`;
  return '';
}

function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return `double("${value}")`;
  const text = Object.is(value, -0) ? '-0' : trimFloat(value);
  return text.includes('.') ? text : `${text}.0`;
}
