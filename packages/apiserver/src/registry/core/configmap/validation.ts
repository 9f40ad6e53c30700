/** Compare pkg/apis/core/validation: ValidateConfigMap. */
import { type ErrorList, forbidden, invalid, Path, tooLong } from '@keelson/api/field';
import type { ConfigMap } from '@keelson/api/generated/types/core/v1';
import { equal } from '@keelson/api/patch/value';
import { isConfigMapKey } from '@keelson/api/validation/names';
import { invalidFor } from '../../validation/fields.ts';

/** Bytes of all values of a ConfigMap or a Secret. */
export const MAX_DATA_SIZE = 1024 * 1024;

const IMMUTABLE = 'field is immutable when `immutable` is set';

export function validateConfigMap(cfg: ConfigMap): ErrorList {
  const errors: ErrorList = [];
  let size = 0;
  for (const [key, value] of Object.entries(cfg.data ?? {})) {
    const path = Path.of('data').key(key);
    errors.push(...invalidFor(path, key, isConfigMapKey(key)));
    if (cfg.binaryData && Object.hasOwn(cfg.binaryData, key))
      errors.push(invalid(path, key, 'duplicate of key present in binaryData'));
    size += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(cfg.binaryData ?? {})) {
    errors.push(...invalidFor(Path.of('binaryData').key(key), key, isConfigMapKey(key)));
    size += Buffer.byteLength(value, 'base64');
  }
  if (size > MAX_DATA_SIZE) errors.push(tooLong(Path.root, MAX_DATA_SIZE));
  return errors;
}

/** No `data` is as good as an empty one, by default; of `binaryData` that does not hold. */
export function validateConfigMapChange(cfg: ConfigMap, old: ConfigMap): ErrorList {
  if (!old.immutable) return [];
  return validateStillImmutable({ data: {}, ...cfg }, { data: {}, ...old }, ['data', 'binaryData']);
}

/** For ConfigMaps and Secrets that have been made immutable: neither the mark nor the data may change. */
export function validateStillImmutable<T extends { immutable?: boolean }>(
  obj: T,
  old: T,
  fields: readonly (keyof T & string)[],
): ErrorList {
  const errors: ErrorList = [];
  if (!obj.immutable) errors.push(forbidden(Path.of('immutable'), IMMUTABLE));
  for (const field of fields) if (!equal(obj[field], old[field])) errors.push(forbidden(Path.of(field), IMMUTABLE));
  return errors;
}
