/** Compare pkg/apis/admissionregistration/validation: ValidateMutatingAdmissionPolicy. */
import { type ErrorList, invalid, notSupported, type Path, required } from '@keelson/api/field';
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicySpec,
  Mutation,
} from '@keelson/api/generated/types/admissionregistration/v1';
import { type CompileExpression, checkExpression, type ExpressionScope } from '../expressions.ts';
import { requireOneOf, validateMutatingOperations } from '../matching.ts';
import { policyScope, REINVOCATION_POLICIES, SPEC, validatePolicy } from '../policy.ts';

/** Which field belongs to which type of patch. */
const PATCH_FIELDS = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const;

/** @param old before an update; undefined on create */
export function validateMutatingAdmissionPolicy(
  { spec }: MutatingAdmissionPolicy,
  old: MutatingAdmissionPolicy | undefined,
  compile: CompileExpression | undefined,
): ErrorList {
  const { mutations = [] } = spec;
  const scope = policyScope(spec, compile, old ? expressionsOf(old.spec) : [], true);
  const at = SPEC.child('mutations');
  return [
    ...validatePolicy(spec, old?.spec, scope, validateMutatingOperations),
    ...(mutations.length === 0 ? [required(at, 'mutations must contain at least one item')] : []),
    ...mutations.flatMap((mutation, i) => validateMutation(mutation, scope, at.index(i))),
    ...requireOneOf(spec.reinvocationPolicy || undefined, REINVOCATION_POLICIES, SPEC.child('reinvocationPolicy')),
  ];
}

function expressionsOf({ matchConditions = [], mutations = [] }: MutatingAdmissionPolicySpec): (string | undefined)[] {
  return [
    ...matchConditions.map((c) => c.expression),
    ...mutations.flatMap((m) => [m.applyConfiguration?.expression, m.jsonPatch?.expression]),
  ];
}

function validateMutation(mutation: Mutation, scope: ExpressionScope, path: Path): ErrorList {
  const { patchType } = mutation;
  if (patchType === '') return [required(path.child('patchType'))];
  const own = PATCH_FIELDS[patchType as keyof typeof PATCH_FIELDS];
  if (!own) return [notSupported(path.child('patchType'), patchType, Object.keys(PATCH_FIELDS))];
  const other = own === 'jsonPatch' ? 'applyConfiguration' : 'jsonPatch';
  const at = path.child(own, 'expression');
  const text = mutation[own]?.expression?.trim() ?? '';
  const errors: ErrorList = [];
  if (!mutation[own]) errors.push(required(path.child(own), `must be specified when patchType is ${patchType}`));
  else if (text === '') errors.push(required(at));
  else errors.push(...checkExpression(scope, own, text, at));
  if (mutation[other])
    errors.push(invalid(path.child(other), `{${other}}`, `must not be specified when patchType is ${patchType}`));
  return errors;
}
