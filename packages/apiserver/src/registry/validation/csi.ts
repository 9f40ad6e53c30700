import { type ErrorList, type Path, required, tooLong } from '@keelson/api/field';
import { isDNS1123Subdomain } from '@keelson/api/validation/names';
import { invalidFor } from './fields.ts';

const MAX_DRIVER_NAME = 63;

/** The name of a CSI driver: a domain name whose case does not count (core/validation ValidateCSIDriverName). */
export function validateCSIDriverName(name: string, path: Path): ErrorList {
  if (name === '') return [required(path)];
  return [
    ...(Buffer.byteLength(name) > MAX_DRIVER_NAME ? [tooLong(path, MAX_DRIVER_NAME)] : []),
    ...invalidFor(path, name, isDNS1123Subdomain(name.toLowerCase())),
  ];
}
