/** Zero and empty values. */
import { Duration, Timestamp } from './time.ts';
import { isList, isMap, OpaqueValue, OptionalValue, sizeOf, Uint, type Value } from './values.ts';

/** Whether a value is the zero of its type: false, 0, '', an empty list, null. */
export function isZero(value: Value): boolean {
  switch (typeof value) {
    case 'boolean':
      return !value;
    case 'bigint':
      return value === 0n;
    case 'number':
      return value === 0;
  }
  if (value === null) return true;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Duration) return value.nanos === 0n;
  if (value instanceof Timestamp) return value.seconds === -62135596800n;
  if (value instanceof OptionalValue) return false;
  if (value instanceof OpaqueValue) return false;
  const strict = (isList(value) || isMap(value)) && value.strict;
  return !strict && sizeOf(value) === 0;
}
