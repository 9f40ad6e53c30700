import type { ValidatingAdmissionPolicy } from '@keelson/api/generated/types/admissionregistration/v1';
import { resetIn, statusView } from '../../statusview.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { defaultMatchResources } from '../defaults.ts';
import type { CompileExpression } from '../expressions.ts';
import { groupStrategy } from '../strategy.ts';
import { validatePolicyStatus, validateValidatingAdmissionPolicy } from './validation.ts';

const API_VERSIONS = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `admissionregistration.k8s.io/${version}`);

const shared = groupStrategy<ValidatingAdmissionPolicy>('spec');

export function makeStrategy(compile: CompileExpression | undefined): Strategy<ValidatingAdmissionPolicy> {
  return {
    ...shared,
    defaults({ spec }) {
      spec.failurePolicy ??= 'Fail';
      defaultMatchResources(spec.matchConstraints);
    },
    prepareForCreate(ctx, obj) {
      obj.status = {};
      shared.prepareForCreate(ctx, obj);
    },
    validate: (_ctx, obj) => validateValidatingAdmissionPolicy(obj, undefined, compile),
    prepareForUpdate(ctx, obj, old) {
      obj.status = old.status;
      shared.prepareForUpdate(ctx, obj, old);
    },
    validateUpdate: (_ctx, obj, old) => validateValidatingAdmissionPolicy(obj, old, compile),
    resetFields: resetIn(API_VERSIONS, { 'f:status': {} }),
  };
}

export const status: ViewSubresource<ValidatingAdmissionPolicy> = statusView(API_VERSIONS, {
  validateUpdate: (_ctx, obj) => validatePolicyStatus(obj.status),
});
