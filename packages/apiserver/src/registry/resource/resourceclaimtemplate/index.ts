import { Path } from '@keelson/api/field';
import type { ResourceClaimTemplate } from '@keelson/api/generated/types/resource/v1';
import { age, ageColumn, nameColumn } from '../../columns.ts';
import type { KindRegistration } from '../../strategy.ts';
import { immutableField } from '../../validation/fields.ts';
import { defaultClaimSpec } from '../claimspec.ts';

export const registration: KindRegistration<ResourceClaimTemplate> = {
  strategy: {
    returnDeletedObject: true,
    defaults: (obj) => defaultClaimSpec(obj.spec.spec),
    validatesMetadataOnUpdate: true,
    validateUpdate: (_ctx, obj, old) => immutableField(obj.spec, old.spec, Path.of('spec')),
  },
  table: {
    columns: [nameColumn, ageColumn],
    row: (obj, now) => ({ cells: [obj.metadata.name ?? '', age(obj, now)] }),
  },
};
