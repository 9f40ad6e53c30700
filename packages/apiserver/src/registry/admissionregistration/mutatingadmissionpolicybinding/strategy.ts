import type { MutatingAdmissionPolicyBinding } from '@keelson/api/generated/types/admissionregistration/v1';
import type { Strategy } from '../../strategy.ts';
import { defaultMatchResources, defaultParamRef } from '../defaults.ts';
import { groupStrategy } from '../strategy.ts';
import { validateMutatingAdmissionPolicyBinding } from './validation.ts';

export const strategy: Strategy<MutatingAdmissionPolicyBinding> = {
  ...groupStrategy('spec'),
  defaults({ spec }, version) {
    defaultMatchResources(spec.matchResources);
    defaultParamRef(spec.paramRef, version);
  },
  validate: (_ctx, obj) => validateMutatingAdmissionPolicyBinding(obj),
  validateUpdate: (_ctx, obj) => validateMutatingAdmissionPolicyBinding(obj),
};
