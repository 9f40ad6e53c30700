/** Which objects a quota counts: scopes, by name or by selector (pkg/apis/core/validation: validateResourceQuotaScopes). */
import { type ErrorList, invalid, named, type Path, required } from '@keelson/api/field';
import type { ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '@keelson/api/generated/types/core/v1';
import { internalValue } from '../../validation/internal.ts';
import { isStandardQuotaResource } from './resources.ts';

const PODS = ['pods'];
const POD_COMPUTE = [...['cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory'], ...PODS];
/** What may be counted within each scope. */
const COUNTED: Readonly<Record<string, readonly string[]>> = {
  Terminating: POD_COMPUTE,
  NotTerminating: POD_COMPUTE,
  NotBestEffort: POD_COMPUTE,
  PriorityClass: POD_COMPUTE,
  CrossNamespacePodAffinity: POD_COMPUTE,
  BestEffort: PODS,
  VolumeAttributesClass: ['persistentvolumeclaims', 'requests.storage'],
};
const CONFLICTS = [
  ['BestEffort', 'NotBestEffort'],
  ['NotTerminating', 'Terminating'],
] as const;
const EXISTS_ONLY = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'];

function isScope(scope: string): boolean {
  return Object.hasOwn(COUNTED, scope);
}

/** The resources that the scope does not count, sorted. */
function uncounted(scope: string, { hard }: ResourceQuotaSpec): string[] {
  const counted = isScope(scope) ? COUNTED[scope]! : undefined;
  return Object.keys(hard ?? {})
    .sort()
    .filter((name) => isStandardQuotaResource(name) && counted !== undefined && !counted.includes(name));
}

export function validateScopes(spec: ResourceQuotaSpec, path: Path): ErrorList {
  const { scopes = [] } = spec;
  const errors: ErrorList = [];
  for (const scope of scopes) {
    if (!isScope(scope)) errors.push(invalid(path, scopes, 'unsupported scope'));
    for (const _ of uncounted(scope, spec)) errors.push(invalid(path, scopes, 'unsupported scope applied to resource'));
  }
  for (const pair of CONFLICTS)
    if (pair.every((scope) => scopes.includes(scope))) errors.push(invalid(path, scopes, 'conflicting scopes'));
  return errors;
}

export function validateScopeSelector(spec: ResourceQuotaSpec, path: Path): ErrorList {
  const { scopeSelector } = spec;
  if (!scopeSelector) return [];
  const at = path.child('matchExpressions');
  const requirements = scopeSelector.matchExpressions ?? [];
  const errors = requirements.flatMap((requirement) => {
    const { scopeName } = requirement;
    const shown = () => internalValue('io.k8s.api.core.v1.ScopeSelector', scopeSelector);
    return [
      ...(isScope(scopeName) ? [] : [invalid(at.child('scopeName'), named(scopeName), 'unsupported scope')]),
      ...uncounted(scopeName, spec).map(() => invalid(at, shown(), 'unsupported scope applied to resource')),
      ...validateRequirement(requirement, at),
    ];
  });
  const names = requirements.map((r) => r.scopeName);
  // Upstream shows the scopes of the other field.
  for (const pair of CONFLICTS)
    if (pair.every((scope) => names.includes(scope))) errors.push(invalid(at, spec.scopes, 'conflicting scopes'));
  return errors;
}

function validateRequirement(requirement: ScopedResourceSelectorRequirement, path: Path): ErrorList {
  const { scopeName, operator, values } = requirement;
  const errors: ErrorList = [];
  if (EXISTS_ONLY.includes(scopeName) && operator !== 'Exists')
    errors.push(
      invalid(
        path.child('operator'),
        operator,
        "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
      ),
    );
  if (operator === 'In' || operator === 'NotIn') {
    if (!values?.length)
      errors.push(
        required(
          path.child('values'),
          "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
        ),
      );
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values?.length)
      errors.push(
        invalid(
          path.child('values'),
          values,
          "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
        ),
      );
  } else {
    errors.push(invalid(path.child('operator'), named(operator), 'not a valid selector operator'));
  }
  return errors;
}
