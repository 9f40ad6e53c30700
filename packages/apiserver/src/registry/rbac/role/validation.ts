/** Compare pkg/apis/rbac/validation. */
import { type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type { PolicyRule, Role } from '@keelson/api/generated/types/rbac/v1';
import { isPathSegmentName } from '@keelson/api/validation/names';

/** Names of roles and bindings may hold colons and capitals: all that a URL's path can. */
export function rbacName(name: string): string[] {
  return isPathSegmentName(name);
}

export function validateRole(role: Role): ErrorList {
  return validateRules(role.rules, true);
}

export function validateRules(rules: PolicyRule[] | null | undefined, namespaced: boolean): ErrorList {
  return (rules ?? []).flatMap((rule, i) => validateRule(rule, namespaced, Path.of('rules').index(i)));
}

function validateRule(rule: PolicyRule, namespaced: boolean, path: Path): ErrorList {
  const errors: ErrorList = [];
  if (!rule.verbs?.length) errors.push(required(path.child('verbs'), 'verbs must contain at least one value'));
  if (rule.nonResourceURLs?.length) {
    const at = path.child('nonResourceURLs');
    if (namespaced)
      errors.push(invalid(at, rule.nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
    if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length)
      errors.push(
        invalid(at, rule.nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'),
      );
    return errors;
  }
  if (!rule.apiGroups?.length)
    errors.push(required(path.child('apiGroups'), 'resource rules must supply at least one api group'));
  if (!rule.resources?.length)
    errors.push(required(path.child('resources'), 'resource rules must supply at least one resource'));
  return errors;
}
