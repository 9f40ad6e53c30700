/** Compare pkg/apis/rbac/validation: ValidateClusterRole. */
import { type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type { ClusterRole } from '@keelson/api/generated/types/rbac/v1';
import { validateLabelSelector } from '../../validation/labelselector.ts';
import { readSelector } from '../../validation/templateselector.ts';
import { validateRules } from '../role/validation.ts';

const SELECTORS = Path.of('aggregationRule', 'clusterRoleSelectors');

/** @param laxLabelValues selectors may hold values that are no label values: stored ones do */
export function validateClusterRole(role: ClusterRole, laxLabelValues: boolean): ErrorList {
  const errors = validateRules(role.rules, false);
  if (!role.aggregationRule) return errors;
  const selectors = role.aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0)
    errors.push(required(SELECTORS, 'at least one clusterRoleSelector required if aggregationRule is non-nil'));
  return [...errors, ...validateSelectors(role, laxLabelValues)];
}

function validateSelectors(role: ClusterRole, laxLabelValues: boolean): ErrorList {
  return (role.aggregationRule?.clusterRoleSelectors ?? []).flatMap((selector, i) => [
    ...validateLabelSelector(selector, { allowInvalidLabelValueInSelector: laxLabelValues }, SELECTORS.index(i)),
    ...(readSelector(selector) ? [] : [invalid(SELECTORS.index(i), null, 'invalid label selector.')]),
  ]);
}

export function validateClusterRoleUpdate(role: ClusterRole, old: ClusterRole): ErrorList {
  const laxLabelValues = validateSelectors(old, false).length > 0;
  return [...validateClusterRole(role, laxLabelValues)];
}
