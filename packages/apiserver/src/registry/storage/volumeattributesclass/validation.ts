/** Compare pkg/apis/storage/validation: ValidateVolumeAttributesClass. */
import { type ErrorList, forbidden, Path, required } from '@keelson/api/field';
import type { VolumeAttributesClass } from '@keelson/api/generated/types/storage/v1';
import { equal } from '@keelson/api/patch/value';
import { validateParameters, validateProvisioner } from '../parameters.ts';

const PARAMETERS = Path.of('parameters');

export function validateVolumeAttributesClass({ driverName, parameters }: VolumeAttributesClass): ErrorList {
  const errors = [
    ...validateProvisioner(driverName, Path.of('driverName')),
    ...validateParameters(parameters, PARAMETERS),
  ];
  if (Object.keys(parameters ?? {}).length === 0)
    errors.push(required(PARAMETERS, 'must contain at least one key/value pair'));
  return errors;
}

export function validateVolumeAttributesClassChange(obj: VolumeAttributesClass, old: VolumeAttributesClass): ErrorList {
  const errors: ErrorList = [];
  if (obj.driverName !== old.driverName)
    errors.push(forbidden(Path.of('driverName'), 'updates to driverName are forbidden.'));
  if (!equal(obj.parameters, old.parameters))
    errors.push(forbidden(PARAMETERS, 'updates to parameters are forbidden.'));
  return errors;
}
