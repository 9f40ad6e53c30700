/** Compare pkg/apis/admissionregistration/validation: ValidateValidatingAdmissionPolicyBinding. */

import { duplicate, type ErrorList, invalid, type Path, required } from '@keelson/api/field';
import type { ValidatingAdmissionPolicyBinding } from '@keelson/api/generated/types/admissionregistration/v1';
import { repeatsIn } from '@keelson/api/validation/repeats';
import { validateBinding } from '../binding.ts';
import { oneOf } from '../matching.ts';
import { SPEC } from '../policy.ts';

const ACTIONS = ['Audit', 'Deny', 'Warn'];

export function validateValidatingAdmissionPolicyBinding({ spec }: ValidatingAdmissionPolicyBinding): ErrorList {
  return [...validateBinding(spec), ...validateActions(spec.validationActions ?? [], SPEC.child('validationActions'))];
}

function validateActions(actions: readonly string[], path: Path): ErrorList {
  if (actions.length === 0) return [required(path, 'at least one validation action is required')];
  const repeats = repeatsIn(actions);
  const errors = actions.flatMap((action, i) => [
    ...oneOf(action, ACTIONS, path.index(i)),
    ...(repeats.has(i) ? [duplicate(path.index(i), action)] : []),
  ]);
  if (actions.includes('Deny') && actions.includes('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and ' +
      'headers serves no purpose)';
    errors.push(invalid(path, actions, why));
  }
  return errors;
}
