import type { ValidatingAdmissionPolicyBinding } from '@keelson/api/generated/types/admissionregistration/v1';
import type { Strategy } from '../../strategy.ts';
import { defaultMatchResources, defaultParamRef } from '../defaults.ts';
import { groupStrategy } from '../strategy.ts';
import { validateValidatingAdmissionPolicyBinding } from './validation.ts';

export const strategy: Strategy<ValidatingAdmissionPolicyBinding> = {
  ...groupStrategy('spec'),
  defaults({ spec }, version) {
    defaultMatchResources(spec.matchResources);
    defaultParamRef(spec.paramRef, version);
  },
  validate: (_ctx, obj) => validateValidatingAdmissionPolicyBinding(obj),
  validateUpdate: (_ctx, obj) => validateValidatingAdmissionPolicyBinding(obj),
};
