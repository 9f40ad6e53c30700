/** What requests a webhook or a policy sees: rules and match conditions. */
import { duplicate, type ErrorList, invalid, notSupported, type Path, required, tooMany } from '@keelson/api/field';
import type {
  MatchCondition,
  MatchResources,
  NamedRuleWithOperations,
  Rule,
  RuleWithOperations,
} from '@keelson/api/generated/types/admissionregistration/v1';
import { isPathSegmentName, isQualifiedName } from '@keelson/api/validation/names';
import { invalidFor } from '../validation/fields.ts';
import { validateLabelSelector } from '../validation/labelselector.ts';
import { checkExpression, type ExpressionScope } from './expressions.ts';

const SCOPES = ['*', 'Cluster', 'Namespaced'];
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
/** What is deleted cannot be changed. */
const MUTATING_OPERATIONS = ['*', 'CONNECT', 'CREATE', 'UPDATE'];
export const MATCH_POLICIES = ['Equivalent', 'Exact'];
const MAX_CONDITIONS = 64;

export function validateMatchResources(match: MatchResources, path: Path): ErrorList {
  const { namespaceSelector, objectSelector } = match;
  const errors = requireOneOf(match.matchPolicy, MATCH_POLICIES, path.child('matchPolicy'));
  if (!namespaceSelector) errors.push(required(path.child('namespaceSelector')));
  errors.push(...validateLabelSelector(namespaceSelector, {}, path.child('namespaceSelector')));
  if (!objectSelector) errors.push(required(path.child('objectSelector')));
  errors.push(...validateLabelSelector(objectSelector, {}, path.child('objectSelector')));
  for (const list of ['resourceRules', 'excludeResourceRules'] as const)
    for (const [i, rule] of (match[list] ?? []).entries())
      errors.push(...validateNamedRule(rule, path.child(list).index(i)));
  return errors;
}

/** Policies that change objects do not see deletions. */
export function validateMutatingOperations({ resourceRules = [] }: MatchResources, path: Path): ErrorList {
  return resourceRules
    .flatMap((rule) => rule.operations ?? [])
    .filter((operation) => !MUTATING_OPERATIONS.includes(operation))
    .map((operation) => notSupported(path.child('resourceRules', 'operations'), operation, MUTATING_OPERATIONS));
}

/** An absent value passes. */
export function oneOf(value: string | null | undefined, supported: readonly string[], path: Path): ErrorList {
  return value == null || supported.includes(value) ? [] : [notSupported(path, value, supported)];
}

export function requireOneOf(value: string | undefined, supported: readonly string[], path: Path): ErrorList {
  return value === undefined ? [required(path)] : oneOf(value, supported, path);
}

function validateNamedRule(rule: NamedRuleWithOperations, path: Path): ErrorList {
  const seen = new Set<string>();
  const errors = (rule.resourceNames ?? []).flatMap((name, i) => {
    const at = path.child('resourceNames').index(i);
    const repeated = seen.has(name) ? [duplicate(at, name)] : [];
    seen.add(name);
    return [...invalidFor(at, name, isPathSegmentName(name)), ...repeated];
  });
  return [...errors, ...validateRule(rule, path)];
}

export function validateRule(rule: RuleWithOperations, path: Path): ErrorList {
  const { operations = [], apiGroups = [], apiVersions = [] } = rule;
  const at = path.child('operations');
  return [
    ...(operations.length === 0 ? [required(at)] : []),
    ...onlyWildcard(operations, at, 'operations'),
    ...operations.flatMap((operation, i) => oneOf(operation, OPERATIONS, at.index(i))),
    ...(apiGroups.length === 0 ? [required(path.child('apiGroups'))] : []),
    ...onlyWildcard(apiGroups, path.child('apiGroups'), 'API groups'),
    ...(apiVersions.length === 0 ? [required(path.child('apiVersions'))] : []),
    ...onlyWildcard(apiVersions, path.child('apiVersions'), 'API versions'),
    ...apiVersions.flatMap((version, i) => (version === '' ? [required(path.child('apiVersions').index(i))] : [])),
    ...validateResources(rule, path.child('resources')),
    ...oneOf(rule.scope, SCOPES, path.child('scope')),
  ];
}

function onlyWildcard(values: readonly string[], path: Path, what: string): ErrorList {
  if (values.length < 2 || !values.includes('*')) return [];
  return [invalid(path, values, `if '*' is present, must not specify other ${what}`)];
}

function validateResources({ resources = [] }: Rule, path: Path): ErrorList {
  if (resources.length === 0) return [required(path)];
  const errors: ErrorList = [];
  const seen = new Set<string>();
  for (const [i, resource] of resources.entries()) {
    const at = path.index(i);
    if (resource === '') errors.push(required(at));
    const slash = resource.indexOf('/');
    if (slash < 0) continue;
    const wider = [`${resource.slice(0, slash)}/*`, `*/${resource.slice(slash + 1)}`].filter((w) => seen.has(w));
    for (const wildcard of wider)
      errors.push(invalid(at, resource, `if '${wildcard}' is present, must not specify ${resource}`));
    seen.add(resource);
  }
  if (resources.length > 1 && resources.includes('*/*'))
    errors.push(invalid(path, resources, "if '*/*' is present, must not specify other resources"));
  // Upstream looks at the last one without a subresource alone.
  const lastPlain = resources.findLast((resource) => resource !== '' && !resource.includes('/'));
  if (resources.includes('*') && lastPlain !== '*') {
    const why = "if '*' is present, must not specify other resources without subresources";
    errors.push(invalid(path, resources, why));
  }
  return errors;
}

export function validateMatchConditions(
  conditions: readonly MatchCondition[] | undefined,
  scope: ExpressionScope,
  path: Path,
): ErrorList {
  const count = conditions?.length ?? 0;
  const seen = new Set<string>();
  const errors = (conditions ?? []).flatMap((condition, i) => {
    const at = path.index(i);
    const { name } = condition;
    const repeated = name !== '' && seen.has(name) ? [duplicate(at.child('name'), name)] : [];
    seen.add(name);
    return [...validateMatchCondition(condition, scope, at), ...repeated];
  });
  return count > MAX_CONDITIONS ? [tooMany(path, count, MAX_CONDITIONS), ...errors] : errors;
}

function validateMatchCondition({ name, expression }: MatchCondition, scope: ExpressionScope, path: Path): ErrorList {
  const text = expression.trim();
  const at = path.child('expression');
  return [
    ...(text === '' ? [required(at)] : checkExpression(scope, 'matchCondition', text, at)),
    ...(name === '' ? [required(path.child('name'))] : invalidFor(path.child('name'), name, isQualifiedName(name))),
  ];
}
