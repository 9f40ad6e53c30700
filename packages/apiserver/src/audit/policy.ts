/** `--audit-policy-file`: how much of which requests is recorded (audit.k8s.io/v1 Policy; apiserver/pkg/audit/policy). */

import * as field from '@keelson/api/field';
import type { Attributes } from '../authz/attributes.ts';
import { matchesUrl } from '../authz/url-pattern.ts';

export const LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type Level = (typeof LEVELS)[number];
export const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type Stage = (typeof STAGES)[number];

export interface GroupResources {
  readonly group?: string;
  /** `pods`, `pods/log`, `pods/*`, `*‍/scale` or `*`; none: all of the group. */
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface PolicyRule {
  readonly level: Level;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly GroupResources[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

export interface AuditPolicy {
  readonly rules: readonly PolicyRule[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

/** What is recorded of one request. */
export interface AuditDecision {
  readonly level: Level;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

/**
 * @param document what the file says, parsed
 * @throws Error with what is wrong with it
 */
export function auditPolicy(document: unknown): AuditPolicy {
  const { apiVersion, kind, ...rest } = (document ?? {}) as Partial<AuditPolicy> & {
    apiVersion?: string;
    kind?: string;
  };
  if (apiVersion !== 'audit.k8s.io/v1' || kind !== 'Policy') {
    throw new Error(`unknown group version field ${apiVersion ?? ''}, Kind=${kind ?? ''} in policy`);
  }
  const policy: AuditPolicy = { ...rest, rules: rest.rules ?? [] };
  const errors = validatePolicy(policy);
  if (errors.length === 1) throw new Error(String(errors[0]));
  if (errors.length > 1) throw new Error(`[${errors.map(String).join(', ')}]`);
  if (policy.rules.length === 0) throw new Error('loaded illegal policy with 0 rules');
  return policy;
}

/** The first rule that matches decides; without one nothing is recorded. */
export function auditEvaluator(policy: AuditPolicy): (attributes: Attributes) => AuditDecision {
  const decisions = policy.rules.map((rule) => ({
    rule,
    decision: {
      level: rule.level,
      omitStages: new Set([...(policy.omitStages ?? []), ...(rule.omitStages ?? [])]),
      omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields ?? false,
    },
  }));
  const otherwise: AuditDecision = { level: 'None', omitStages: new Set(), omitManagedFields: false };
  return (attributes) => decisions.find(({ rule }) => matches(rule, attributes))?.decision ?? otherwise;
}

function matches(rule: PolicyRule, { user, verb, isResourceRequest, path, namespace, ...asked }: Attributes): boolean {
  const { users = [], userGroups = [], verbs = [], resources = [], namespaces = [], nonResourceURLs = [] } = rule;
  if (users.length > 0 && !users.includes(user.name)) return false;
  if (userGroups.length > 0 && !user.groups.some((group) => userGroups.includes(group))) return false;
  if (verbs.length > 0 && !verbs.includes(verb)) return false;
  if (namespaces.length > 0 || resources.length > 0) {
    if (!isResourceRequest || (namespaces.length > 0 && !namespaces.includes(namespace))) return false;
    return resources.length === 0 || resources.some((r) => matchesResource(r, asked));
  }
  if (nonResourceURLs.length === 0) return true;
  return !isResourceRequest && nonResourceURLs.some((url) => matchesUrl(url, path));
}

function matchesResource(
  { group = '', resources = [], resourceNames = [] }: GroupResources,
  { apiGroup, resource, subresource, name }: Pick<Attributes, 'apiGroup' | 'resource' | 'subresource' | 'name'>,
): boolean {
  if (group !== apiGroup && group !== '*') return false;
  if (resources.length === 0) return true;
  if (resourceNames.length > 0 && !resourceNames.includes(name)) return false;
  const own = subresource === '' ? resource : `${resource}/${subresource}`;
  return resources.some(
    (r) => r === own || r === '*' || r === `${resource}/*` || (subresource !== '' && r === `*/${subresource}`),
  );
}

function validatePolicy({ rules, omitStages = [] }: AuditPolicy): field.ErrorList {
  return [
    ...validateStages(omitStages, field.Path.of('omitStages')),
    ...rules.flatMap((rule, i) => validateRule(rule, field.Path.of('rules').index(i))),
  ];
}

function validateRule(rule: PolicyRule, path: field.Path): field.ErrorList {
  const { level, nonResourceURLs = [], resources = [], namespaces = [], omitStages = [] } = rule;
  const errors: field.ErrorList = [];
  if (!level) errors.push(field.required(path.child('level'), ''));
  else if (!LEVELS.includes(level)) errors.push(field.notSupported(path.child('level'), level, [...LEVELS]));
  const urls = path.child('nonResourceURLs');
  for (const [i, url] of nonResourceURLs.entries()) {
    if (url === '*') continue;
    if (!url.startsWith('/')) {
      errors.push(field.invalid(urls.index(i), url, "non-resource URL rules must begin with a '/' character"));
    }
    if (url.slice(0, -1).includes('*')) {
      const why = "non-resource URL wildcards '*' must be the final character of the rule";
      errors.push(field.invalid(urls.index(i), url, why));
    }
  }
  for (const { resources: named = [], resourceNames = [] } of resources) {
    if (resourceNames.length === 0 || named.length > 0) continue;
    const why = 'using resourceNames requires at least one resource';
    errors.push(field.invalid(path.child('resources').child('resourceNames'), resourceNames, why));
  }
  errors.push(...validateStages(omitStages, path.child('omitStages')));
  if (nonResourceURLs.length > 0 && (resources.length > 0 || namespaces.length > 0)) {
    errors.push(
      field.invalid(urls, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'),
    );
  }
  return errors;
}

function validateStages(stages: readonly Stage[], path: field.Path): field.ErrorList {
  return stages.flatMap((stage, i) =>
    STAGES.includes(stage) ? [] : field.invalid(path.index(i), stage, `allowed stages are ${STAGES.join(',')}`),
  );
}
