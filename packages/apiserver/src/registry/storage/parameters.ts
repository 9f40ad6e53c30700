/** Provisioners and their parameters, as storage classes and volume attributes classes have them. */
import { type ErrorList, invalid, type Path, required, tooLong } from '@keelson/api/field';
import { isQualifiedName } from '@keelson/api/validation/names';
import { invalidFor } from '../validation/fields.ts';

const MAX_COUNT = 512;
const MAX_SIZE = 256 * 1024;

export function validateProvisioner(provisioner: string, path: Path): ErrorList {
  if (provisioner === '') return [required(path)];
  const name = provisioner.toLowerCase();
  return invalidFor(path, name, isQualifiedName(name));
}

export function validateParameters(
  parameters: Readonly<Record<string, string>> | null | undefined,
  path: Path,
): ErrorList {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > MAX_COUNT) return [tooLong(path, MAX_COUNT)];
  const errors = entries.filter(([key]) => key === '').map(([key]) => invalid(path, key, 'field can not be empty.'));
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (size > MAX_SIZE) errors.push(tooLong(path, MAX_SIZE));
  return errors;
}
