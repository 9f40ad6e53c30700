/** What bindings share. Compare pkg/apis/admissionregistration/validation: validate{Mutating,Validating}AdmissionPolicyBindingSpec. */
import { type ErrorList, forbidden, type Path, required } from '@keelson/api/field';
import type {
  MutatingAdmissionPolicyBindingSpec,
  ParamRef,
} from '@keelson/api/generated/types/admissionregistration/v1';
import { isPathSegmentName, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { invalidFor } from '../validation/fields.ts';
import { validateLabelSelector } from '../validation/labelselector.ts';
import { oneOf, validateMatchResources } from './matching.ts';
import { SPEC } from './policy.ts';

const NOT_FOUND_ACTIONS = ['Deny', 'Allow'];
const EXCLUSIVE = 'name and selector are mutually exclusive';

export function validateBinding(spec: MutatingAdmissionPolicyBindingSpec): ErrorList {
  const { policyName = '', paramRef, matchResources } = spec;
  const at = SPEC.child('policyName');
  return [
    ...(policyName === '' ? [required(at)] : invalidFor(at, policyName, nameIsDNSSubdomain(policyName, false))),
    ...(paramRef ? validateParamRef(paramRef, SPEC.child('paramRef')) : []),
    ...(matchResources ? validateMatchResources(matchResources, SPEC.child('matchResources')) : []),
  ];
}

function validateParamRef({ name = '', selector, parameterNotFoundAction }: ParamRef, path: Path): ErrorList {
  const errors = name === '' ? [] : invalidFor(path.child('name'), name, isPathSegmentName(name));
  if (name !== '' && selector) errors.push(forbidden(path.child('name'), EXCLUSIVE));
  errors.push(...validateLabelSelector(selector, {}, path.child('selector')));
  if (name !== '' && selector) errors.push(forbidden(path.child('selector'), EXCLUSIVE));
  if (name === '' && !selector) errors.push(required(path, 'one of name or selector must be specified'));
  const at = path.child('parameterNotFoundAction');
  if (!parameterNotFoundAction) errors.push(required(at));
  else errors.push(...oneOf(parameterNotFoundAction, NOT_FOUND_ACTIONS, at));
  return errors;
}
