/** Policy rules: what one allows, and whether some rules cover others. */

import { quote } from '@keelson/api/field';
import type { PolicyRule } from '@keelson/api/generated/types/rbac/v1';
import type { Attributes } from '../attributes.ts';
import { matchesUrl } from '../url-pattern.ts';

/** Whether this rule permits the request. */
export function ruleAllows(rule: PolicyRule, a: Attributes): boolean {
  if (!hasOrAll(rule.verbs, a.verb)) return false;
  if (!a.isResourceRequest) return some(rule.nonResourceURLs, (pattern) => matchesUrl(pattern, a.path));
  return (
    hasOrAll(rule.apiGroups, a.apiGroup) &&
    resourceMatches(rule.resources, a.resource, a.subresource) &&
    (isEmpty(rule.resourceNames) || has(rule.resourceNames, a.name))
  );
}

function resourceMatches(
  resources: readonly string[] | null | undefined,
  resource: string,
  subresource: string,
): boolean {
  if (subresource === '') return hasOrAll(resources, resource);
  return some(resources, (r) => r === '*' || r === `${resource}/${subresource}` || r === `*/${subresource}`);
}

/** The parts of `wanted` that no rule of `owned` permits, each with one verb, resource and name. */
export function missingRules(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(breakDown).filter((part) => !owned.some((rule) => covers(rule, part)));
}

function breakDown(rule: PolicyRule): PolicyRule[] {
  const parts: PolicyRule[] = [];
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs ?? []) {
        const part = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if (isEmpty(rule.resourceNames)) parts.push(part);
        else for (const name of rule.resourceNames!) parts.push({ ...part, resourceNames: [name] });
      }
    }
  }
  for (const url of rule.nonResourceURLs ?? []) {
    for (const verb of rule.verbs ?? []) parts.push({ verbs: [verb], nonResourceURLs: [url] });
  }
  return parts;
}

/** `part` has at most one of everything. Wildcards are covered by wildcards only. */
function covers(rule: PolicyRule, part: PolicyRule): boolean {
  return (
    hasOrAll(rule.verbs, part.verbs![0]!) &&
    every(part.apiGroups, (group) => hasOrAll(rule.apiGroups, group)) &&
    every(part.resources, (resource) => resourceCovered(rule.resources, resource)) &&
    every(part.nonResourceURLs, (url) => some(rule.nonResourceURLs, (pattern) => matchesUrl(pattern, url))) &&
    (isEmpty(rule.resourceNames) || (!isEmpty(part.resourceNames) && has(rule.resourceNames, part.resourceNames![0]!)))
  );
}

function resourceCovered(owned: readonly string[] | null | undefined, resource: string): boolean {
  if (hasOrAll(owned, resource)) return true;
  const slash = resource.indexOf('/');
  return slash >= 0 && has(owned, `*/${resource.slice(slash + 1)}`);
}

/** Verbs of parts that are alike otherwise are put together. */
export function compactRules(parts: readonly PolicyRule[]): PolicyRule[] {
  const compacted = new Map<string, PolicyRule>();
  for (const part of parts) {
    const { verbs, ...rest } = part;
    const simple = part.apiGroups?.length === 1 && part.resources?.length === 1;
    const key = simple ? JSON.stringify(rest) : JSON.stringify(part);
    const known = compacted.get(key);
    if (known && simple) known.verbs = [...known.verbs!, ...verbs!];
    else compacted.set(key, { ...part });
  }
  return [...compacted.values()];
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`, as the messages about escalation show a rule. */
export function describeRule(rule: PolicyRule): string {
  const shown: [string, readonly string[] | null | undefined][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  return `{${shown
    .filter(([, values]) => !isEmpty(values))
    .map(([name, values]) => `${name}:${quoteList(values!)}`)
    .join(', ')}}`;
}

/** Go's %q of a list: `["a" "b"]`. */
export function quoteList(values: readonly string[]): string {
  return `[${values.map(quote).join(' ')}]`;
}

type Strings = readonly string[] | null | undefined;

function has(list: Strings, value: string): boolean {
  return list?.includes(value) ?? false;
}
function hasOrAll(list: Strings, value: string): boolean {
  return list ? list.includes(value) || list.includes('*') : false;
}
function some(list: Strings, test: (value: string) => boolean): boolean {
  return list?.some(test) ?? false;
}
function every(list: Strings, test: (value: string) => boolean): boolean {
  return list?.every(test) ?? true;
}
function isEmpty(list: Strings): boolean {
  return (list?.length ?? 0) === 0;
}
