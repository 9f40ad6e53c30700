import type { ResourceClaimTemplate } from '@keelson/api/generated/types/resource/v1';
import type { IsEnabled } from '../../../gates.ts';
import { age, ageColumn, nameColumn } from '../../columns.ts';
import { dropDisabledFields } from '../../gatedfields.ts';
import type { KindRegistration } from '../../strategy.ts';
import { type NamespaceLabels, validateRequestedAccess } from '../adminaccess.ts';
import { defaultClaimSpec, SPEC_FIELDS } from '../claimspec.ts';
import { claimFromStored, claimToStored, convertsSpec, STORED_AS } from '../v1beta1.ts';
import { validateTemplate, validateTemplateUpdate } from './validation.ts';

export function makeResourceClaimTemplateRegistration(
  labelsOf: NamespaceLabels,
  isEnabled: IsEnabled,
): KindRegistration<ResourceClaimTemplate> {
  return {
    strategy: {
      returnDeletedObject: true,
      defaults: (obj) => defaultClaimSpec(obj.spec.spec),
      prepareForCreate: (_ctx, obj) => dropDisabledFields(SPEC_FIELDS, isEnabled, obj.spec.spec, undefined),
      prepareForUpdate: (_ctx, obj, old) => dropDisabledFields(SPEC_FIELDS, isEnabled, obj.spec.spec, old.spec.spec),
      checkAccess: ({ namespace }, obj, old) =>
        old ? [] : validateRequestedAccess(obj.spec.spec, namespace, labelsOf),
      validate: (_ctx, obj) => validateTemplate(obj),
      updateChecks: ['new metadata', 'kind'],
      validateUpdate: (_ctx, obj, old) => validateTemplateUpdate(obj, old),
    },
    storedAs: STORED_AS,
    conversions: { v1beta1: convertsSpec(claimToStored, claimFromStored, 'spec.spec') },
    table: {
      columns: [nameColumn, ageColumn],
      row: (obj) => ({ cells: [obj.metadata.name ?? '', age(obj)] }),
    },
  };
}
