/** Compare pkg/apis/core/validation: ValidatePersistentVolumeClaim. */
import { type ErrorList, notSupported, Path, required } from '@keelson/api/field';
import type { PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import { isNativeResource } from '@keelson/api/resources/names';
import { isQualifiedName } from '@keelson/api/validation/names';
import { type ClaimSpecOptions, validateClaimSpec } from '../../validation/claimspec.ts';
import { invalidFor } from '../../validation/fields.ts';
import { validateLabelSelector } from '../../validation/labelselector.ts';
import { validateResourceQuantity } from '../../validation/resources.ts';
import { validateBasicResource } from '../persistentvolume/validation.ts';

const RESIZE_STATUSES = [
  ...['ControllerResizeInfeasible', 'ControllerResizeInProgress', 'NodeResizeInfeasible', 'NodeResizeInProgress'],
  'NodeResizePending',
].sort();

/** What the stored claim allows a new one to keep. */
export function optionsFor(old: PersistentVolumeClaim): ClaimSpecOptions {
  const { selector, dataSource, dataSourceRef } = old.spec;
  return {
    allowInvalidLabelValueInSelector: validateLabelSelector(selector, {}, Path.root).length > 0,
    allowInvalidAPIGroupInDataSourceOrRef: dataSource?.apiGroup != null || dataSourceRef?.apiGroup != null,
  };
}

export function validateClaim({ spec }: PersistentVolumeClaim, options: ClaimSpecOptions = {}): ErrorList {
  return validateClaimSpec(spec, options, Path.of('spec'));
}

export function validateClaimStatusUpdate({ spec, status }: PersistentVolumeClaim): ErrorList {
  const path = Path.of('status');
  const errors: ErrorList = spec.accessModes?.length ? [] : [required(Path.of('Spec', 'accessModes'))];
  for (const [name, text] of Object.entries(status.capacity ?? {}))
    errors.push(...validateBasicResource(text, path.child('capacity').key(name)));
  const statusesPath = path.child('allocatedResourceStatuses');
  for (const [name, resize] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    errors.push(...validateResourceKey(name, statusesPath));
    // Upstream shows the resource, not its status.
    if (!RESIZE_STATUSES.includes(resize)) errors.push(notSupported(statusesPath, name, RESIZE_STATUSES));
  }
  const resourcesPath = path.child('allocatedResources');
  for (const [name, text] of Object.entries(status.allocatedResources ?? {})) {
    const at = resourcesPath.key(name);
    const wrong = [...validateResourceKey(name, resourcesPath)];
    if (wrong.length === 0) wrong.push(...validateBasicResource(text, at));
    if (wrong.length === 0) wrong.push(...validateResourceQuantity('storage', text, at));
    errors.push(...wrong);
  }
  return errors;
}

function validateResourceKey(name: string, path: Path): ErrorList {
  const errors = invalidFor(path, name, isQualifiedName(name));
  if (errors.length > 0 || !isNativeResource(name) || name === 'storage') return errors;
  return [notSupported(path, name, ['storage'])];
}
