/** Compare pkg/apis/storagemigration/validation. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type {
  StorageVersionMigration,
  StorageVersionMigrationStatus,
} from '@keelson/api/generated/types/storagemigration/v1beta1';
import { isDNS1035Label, isDNS1123Subdomain } from '@keelson/api/validation/names';
import { validateConditions } from '../../validation/conditions.ts';
import { internalValue } from '../../validation/internal.ts';
import { validateKubeObjectMetaUpdate } from '../../validation/objectmeta.ts';

const SPEC = Path.of('spec');
const RESOURCE = SPEC.child('resource');
const STATUS = Path.of('status');

export function validateMigration({ spec }: StorageVersionMigration): ErrorList {
  const { group, resource } = spec.resource;
  const errors: ErrorList = [];
  const at = RESOURCE.child('resource');
  const wrongResource = isDNS1035Label(resource);
  const wrongGroup = group === '' ? [] : isDNS1123Subdomain(group);
  if (resource === '') errors.push(required(at, 'resource is required to be set'));
  else if (wrongResource.length > 0) errors.push(invalid(at, resource, wrongResource.join(',')));
  if (wrongGroup.length > 0) errors.push(invalid(RESOURCE.child('group'), group, wrongGroup.join(',')));
  return errors;
}

export function validateMigrationUpdate(obj: StorageVersionMigration, old: StorageVersionMigration): ErrorList {
  const errors = [
    ...validateMigration(obj),
    ...validateKubeObjectMetaUpdate(obj.metadata, old.metadata, Path.of('metadata')),
  ];
  if (semanticEqual(obj.spec, old.spec)) return errors;
  const shown = internalValue('io.k8s.api.storagemigration.v1beta1.StorageVersionMigrationSpec', obj.spec);
  return [...errors, invalid(SPEC, shown, 'field is immutable')];
}

export function validateMigrationStatus({ status }: StorageVersionMigration, old: StorageVersionMigration): ErrorList {
  const { resourceVersion: version = '', conditions } = status;
  const versionPath = STATUS.child('resourceVersion');
  const conditionsPath = STATUS.child('conditions');
  const errors: ErrorList = [];
  if (version !== '' && !/^[1-9][0-9]*$/.test(version))
    errors.push(invalid(versionPath, version, `resource version is not well formed: ${version}`));
  errors.push(...validateConditions(conditions, conditionsPath));
  if (old.status.resourceVersion && old.status.resourceVersion !== version)
    errors.push(invalid(versionPath, version, 'field is immutable'));
  const wrong = (detail: string) => invalid(conditionsPath, conditions, detail);
  if (isTrue(status, 'Succeeded') && isTrue(status, 'Failed'))
    errors.push(wrong('Both success and failed conditions cannot be true at the same time'));
  if (isTrue(old.status, 'Succeeded') && !isTrue(status, 'Succeeded'))
    errors.push(wrong('Success condition cannot be set to false once it is true'));
  if (isTrue(old.status, 'Failed') && !isTrue(status, 'Failed'))
    errors.push(wrong('Failed condition cannot be set to false once it is true'));
  return errors;
}

function isTrue({ conditions }: StorageVersionMigrationStatus, type: string): boolean {
  return conditions?.find((c) => c.type === type)?.status === 'True';
}
