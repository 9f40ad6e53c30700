import type { ResourceClaimTemplate } from '@keelson/api/generated/types/resource/v1';
import { age, ageColumn, nameColumn } from '../../columns.ts';
import type { KindRegistration } from '../../strategy.ts';
import { defaultClaimSpec } from '../claimspec.ts';
import { validateTemplate, validateTemplateUpdate } from './validation.ts';

export const registration: KindRegistration<ResourceClaimTemplate> = {
  strategy: {
    returnDeletedObject: true,
    defaults: (obj) => defaultClaimSpec(obj.spec.spec),
    validate: (_ctx, obj) => validateTemplate(obj),
    updateChecks: ['new metadata', 'kind', 'metadata'],
    validateUpdate: (_ctx, obj, old) => validateTemplateUpdate(obj, old),
  },
  table: {
    columns: [nameColumn, ageColumn],
    row: (obj, now) => ({ cells: [obj.metadata.name ?? '', age(obj, now)] }),
  },
};
