/** Values as JSON, which is what objects are made of. */
import { Duration, isList, isMap, Timestamp, Uint, type Value } from '@keelson/cel';

/** @throws Error for a value that has no form in JSON */
export function jsonOf(value: Value): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (value instanceof Uint) return jsonOf(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Timestamp || value instanceof Duration) return String(value);
  if (isList(value)) return [...value].map(jsonOf);
  if (isMap(value))
    return Object.fromEntries([...value.keys()].map((key) => [String(key), jsonOf(value.find(key) ?? null)]));
  throw new Error('the value can not be written as JSON');
}
