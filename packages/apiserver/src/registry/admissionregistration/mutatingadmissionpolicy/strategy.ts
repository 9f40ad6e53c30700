import type { MutatingAdmissionPolicy } from '@keelson/api/generated/types/admissionregistration/v1';
import type { Strategy } from '../../strategy.ts';
import { defaultMatchResources } from '../defaults.ts';
import { groupStrategy } from '../strategy.ts';

export const strategy: Strategy<MutatingAdmissionPolicy> = {
  ...groupStrategy('spec'),
  defaults({ spec }) {
    spec.failurePolicy ??= 'Fail';
    defaultMatchResources(spec.matchConstraints);
  },
};
