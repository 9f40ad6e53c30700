/** The Go types that upstream's messages name. */
import { typeName } from '../types/type.ts';
import { sourceOf } from './adapt.ts';
import { Duration, Timestamp } from './time.ts';
import { isList, isMap, OpaqueValue, OptionalValue, TypeValue, Uint, type Value } from './values.ts';

/** `types.Int`, `*types.baseList`, `cel.URL`: of a value. */
export function goType(value: Value): string {
  switch (typeof value) {
    case 'string':
      return 'types.String';
    case 'bigint':
      return 'types.Int';
    case 'number':
      return 'types.Double';
    case 'boolean':
      return 'types.Bool';
  }
  if (value === null) return 'types.Null';
  if (value instanceof Uint) return 'types.Uint';
  if (value instanceof Uint8Array) return 'types.Bytes';
  if (value instanceof Timestamp) return 'types.Timestamp';
  if (value instanceof Duration) return 'types.Duration';
  if (value instanceof TypeValue) return '*types.Type';
  if (value instanceof OptionalValue) return '*types.Optional';
  if (value instanceof OpaqueValue) return `cel.${typeName(value.type).split('.').at(-1)}`;
  return isList(value) ? '*types.baseList' : '*types.baseMap';
}

/** `int64`, `[]ref.Val`: of what a value wraps; of one that stands in JSON, what it is there. */
export function goNative(value: Value): string {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int64';
    case 'number':
      return 'float64';
  }
  if (value instanceof Uint) return 'uint64';
  if (value instanceof Uint8Array) return '[]uint8';
  if (value instanceof Timestamp) return 'time.Time';
  if (value instanceof Duration) return 'time.Duration';
  const isJson = value !== null && sourceOf(value) !== undefined;
  if (isList(value)) return isJson ? '[]interface {}' : '[]ref.Val';
  if (isMap(value)) return isJson ? 'map[string]interface {}' : 'map[ref.Val]ref.Val';
  return goType(value);
}
