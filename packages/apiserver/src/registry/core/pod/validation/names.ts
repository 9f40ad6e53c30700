/** Name rules as field checks. */
import { type ErrorList, Path, required } from '@keelson/api/field';
import { isDNS1123Label, isDNS1123Subdomain, isQualifiedName } from '@keelson/api/validation/names';
import { invalidFor } from '../../../validation/fields.ts';

/** How upstream writes a path whose one part is the empty name. */
export const NOWHERE = Path.of('[]');

export function dnsLabel(value: string, path: Path): ErrorList {
  return invalidFor(path, value, isDNS1123Label(value));
}

export function dnsSubdomain(value: string, path: Path): ErrorList {
  return invalidFor(path, value, isDNS1123Subdomain(value));
}

export function qualifiedName(value: string, path: Path): ErrorList {
  return invalidFor(path, value, isQualifiedName(value));
}

/** `Required value` for each of these that is empty. */
export function requireAll(values: Readonly<Record<string, unknown>>, path: Path): ErrorList {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
      ? [required(path.child(key))]
      : [],
  );
}
