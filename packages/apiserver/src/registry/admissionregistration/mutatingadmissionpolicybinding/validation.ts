/** Compare pkg/apis/admissionregistration/validation: ValidateMutatingAdmissionPolicyBinding. */
import type { ErrorList } from '@keelson/api/field';
import type { MutatingAdmissionPolicyBinding } from '@keelson/api/generated/types/admissionregistration/v1';
import { validateBinding } from '../binding.ts';
import { validateMutatingOperations } from '../matching.ts';
import { SPEC } from '../policy.ts';

export function validateMutatingAdmissionPolicyBinding({ spec }: MutatingAdmissionPolicyBinding): ErrorList {
  const { matchResources } = spec;
  return [
    ...validateBinding(spec),
    ...(matchResources ? validateMutatingOperations(matchResources, SPEC.child('matchResources')) : []),
  ];
}
