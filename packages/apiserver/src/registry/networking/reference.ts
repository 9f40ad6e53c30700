/** References to objects of any kind, of ingress backends and classes. */
import { type ErrorList, type Path, required } from '@keelson/api/field';
import { isDNS1123Subdomain, isPathSegmentName } from '@keelson/api/validation/names';
import { invalidFor } from '../validation/fields.ts';

export function validateTypedReference(
  reference: { readonly apiGroup?: string | null; readonly kind: string; readonly name: string },
  path: Path,
): ErrorList {
  const { apiGroup, kind, name } = reference;
  return [
    ...(apiGroup == null ? [] : invalidFor(path.child('apiGroup'), apiGroup, isDNS1123Subdomain(apiGroup))),
    ...validateSegment(kind, path.child('kind')),
    ...validateSegment(name, path.child('name')),
  ];
}

/** Something that stands in a URL's path. */
export function validateSegment(value: string, path: Path): ErrorList {
  return value ? invalidFor(path, value, isPathSegmentName(value)) : [required(path)];
}
