/** Compare pkg/apis/resource/validation: ValidateResourceClaimTemplate. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, Path } from '@keelson/api/field';
import type { ResourceClaimTemplate } from '@keelson/api/generated/types/resource/v1';
import { structType } from '@keelson/api/schema';
import { internalValue } from '../../validation/internal.ts';
import { validateKubeObjectMetaUpdate, validateTemplateObjectMeta } from '../../validation/objectmeta.ts';
import { validateClaimSpec } from '../deviceclaim.ts';

const SPEC_TYPE = structType('io.k8s.api.resource.v1.ResourceClaimTemplateSpec');
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
  if (semanticEqual(obj.spec, old.spec, SPEC_TYPE)) return errors;
  const shown = internalValue(SPEC_TYPE.name, obj.spec);
  return [...errors, invalid(SPEC, shown, 'field is immutable')];
}
