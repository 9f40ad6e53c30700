/** Compare pkg/apis/resource/validation: ValidateResourceClaimTemplate. */
import { type ErrorList, invalid, Path } from '@keelson/api/field';
import type { ResourceClaimTemplate } from '@keelson/api/generated/types/resource/v1';
import { semanticEqual } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';
import { validateKubeObjectMetaUpdate, validateTemplateObjectMeta } from '../../validation/objectmeta.ts';
import { validateClaimSpec } from '../deviceclaim.ts';

const SPEC = Path.of('spec');

export function validateTemplate({ spec }: ResourceClaimTemplate): ErrorList {
  return [
    ...validateTemplateObjectMeta(spec.metadata, SPEC.child('metadata')),
    ...validateClaimSpec(spec.spec, SPEC.child('spec')),
  ];
}

export function validateTemplateUpdate(obj: ResourceClaimTemplate, old: ResourceClaimTemplate): ErrorList {
  const errors = [
    ...validateTemplate(obj),
    ...validateKubeObjectMetaUpdate(obj.metadata, old.metadata, Path.of('metadata')),
  ];
  if (semanticEqual(obj.spec, old.spec)) return errors;
  const shown = internalValue('io.k8s.api.resource.v1.ResourceClaimTemplateSpec', obj.spec);
  return [...errors, invalid(SPEC, shown, 'field is immutable')];
}
