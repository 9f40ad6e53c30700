/** Names of pools, requests, attributes and shares. Compare pkg/apis/resource/validation. */
import { type ErrorList, invalid, named, type Path, quote, required, tooLong } from '@keelson/api/field';
import { isCIdentifier, isDNS1123Label, isDNS1123Subdomain, isValidLabelValue } from '@keelson/api/validation/names';
import { validateCSIDriverName } from '../validation/csi.ts';
import { invalidFor } from '../validation/fields.ts';

const MAX_POOL_NAME = 253;
const MAX_ID = 32;
const MAX_DOMAIN = 63;
/** Bytes of the longest `domain/name`. */
export const MAX_QUALIFIED_NAME = MAX_DOMAIN + 1 + MAX_ID;

/** Upstream's rule for drivers is that of CSI. */
export const validateDriverName = validateCSIDriverName;

export function validateLabel(name: string, path: Path): ErrorList {
  return invalidFor(path, name, isDNS1123Label(name));
}

export function validateLabelValue(value: string, path: Path): ErrorList {
  return invalidFor(path, value, isValidLabelValue(value));
}

/** Domain names with slashes between them. */
export function validatePoolName(name: string, path: Path): ErrorList {
  if (name === '') return [required(path)];
  return [
    ...(Buffer.byteLength(name) > MAX_POOL_NAME ? [tooLong(path, MAX_POOL_NAME)] : []),
    ...name.split('/').flatMap((part) => invalidFor(path, part, isDNS1123Subdomain(part))),
  ];
}

/** `name` or `domain/name`, of attributes and capacities. With more slashes upstream lets anything pass. */
export function validateQualifiedName(name: string, path: Path): ErrorList {
  const parts = name.split('/');
  if (parts.length === 1) return validateIdentifier(name, path);
  if (parts.length > 2) return [];
  const [domain, id] = parts as [string, string];
  return [
    ...(domain === '' ? [invalid(path, '', 'the domain must not be empty')] : validateDriverName(domain, path)),
    ...(id === '' ? [invalid(path, '', 'the name must not be empty')] : validateIdentifier(id, path)),
  ];
}

export function validateFullyQualifiedName(name: string, path: Path): ErrorList {
  const errors = validateQualifiedName(name, path);
  if (name.includes('/')) return errors;
  return [
    ...errors,
    invalid(path, named(name), 'a fully qualified name must be a domain and a name separated by a slash'),
  ];
}

function validateIdentifier(id: string, path: Path): ErrorList {
  return [
    ...(Buffer.byteLength(id) > MAX_ID ? [tooLong(path, MAX_ID)] : []),
    ...invalidFor(path, id, isCIdentifier(id)),
  ];
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NOT_NORMAL =
  'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters';

export function validateUID(uid: string, path: Path): ErrorList {
  if (UUID.test(uid)) return [];
  const problem = uuidProblem(uid);
  return [invalid(path, uid, problem === undefined ? NOT_NORMAL : `error validating uid: ${problem}`)];
}

/** What github.com/google/uuid, which knows more spellings, finds wrong. */
function uuidProblem(uid: string): string | undefined {
  const length = Buffer.byteLength(uid);
  switch (length) {
    case 36:
      return formatProblem(uid, UUID);
    case 32:
      return formatProblem(uid, /^[0-9a-f]{32}$/);
    case 38:
      if (!uid.startsWith('{') || !uid.endsWith('}')) return 'invalid bracketed UUID format';
      return formatProblem(uid.slice(1, -1), UUID);
    case 45:
      if (!uid.toLowerCase().startsWith('urn:uuid:')) return `invalid urn prefix: ${quote(uid.slice(0, 9))}`;
      return formatProblem(uid.slice(9), UUID);
    default:
      return `invalid UUID length: ${length}`;
  }
}

function formatProblem(text: string, format: RegExp): string | undefined {
  return format.test(text.toLowerCase()) ? undefined : 'invalid UUID format';
}
