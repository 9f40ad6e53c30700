/** Which requests a rule names (k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules). */
import type { RuleWithOperations } from '@keelson/api/generated/types/admissionregistration/v1';
import type { GroupVersionResource } from '@keelson/api/object';
import type { AdmissionAttributes } from '../plugin.ts';
import type { Form, FormsOf } from './forms.ts';

/** What rules look at. */
export type Asked = Pick<AdmissionAttributes, 'operation' | 'subresource' | 'namespace'> & {
  readonly resource: GroupVersionResource;
};

export function matchesRule(rule: RuleWithOperations, asked: Asked): boolean {
  const { resource } = asked;
  return (
    matchesScope(rule.scope, asked) &&
    holds(rule.operations, asked.operation) &&
    holds(rule.apiGroups, resource.group) &&
    holds(rule.apiVersions, resource.version) &&
    (rule.resources ?? []).some((pattern) => matchesResource(pattern, resource.resource, asked.subresource))
  );
}

/** Namespaces are no namespaced resource, though a request for one carries its name as its namespace. */
function matchesScope(scope: string | undefined, { resource, namespace }: Asked): boolean {
  if (scope === undefined || scope === '*') return true;
  const isNamespace = resource.group === '' && resource.version === 'v1' && resource.resource === 'namespaces';
  const isNamespaced = !isNamespace && namespace !== '';
  return scope === 'Namespaced' ? isNamespaced : scope === 'Cluster' && !isNamespaced;
}

function holds(items: readonly string[] | null | undefined, wanted: string): boolean {
  return items?.some((item) => item === '*' || item === wanted) ?? false;
}

function matchesResource(pattern: string, resource: string, subresource: string): boolean {
  const slash = pattern.indexOf('/');
  const [name, sub] = slash < 0 ? [pattern, ''] : [pattern.slice(0, slash), pattern.slice(slash + 1)];
  return (name === '*' || name === resource) && (sub === '*' || sub === subresource);
}

/**
 * The form of the request that a rule names: its own, or, if the policy is Equivalent, another one of the same objects.
 * Earlier rules come first; a rule must also pass `alsoMatches`.
 */
export function findForm<R extends RuleWithOperations>(
  rules: readonly R[],
  policy: string | undefined,
  asked: Asked,
  formsOf: FormsOf,
  alsoMatches: (rule: R) => boolean = () => true,
): Form | undefined {
  if (rules.some((rule) => matchesRule(rule, asked) && alsoMatches(rule)))
    return formsOf(asked.resource, asked.subresource).own;
  if (policy !== 'Equivalent' || rules.length === 0) return undefined;
  const { equivalents } = formsOf(asked.resource, asked.subresource);
  for (const rule of rules) {
    if (!alsoMatches(rule)) continue;
    const found = equivalents.find(({ resource }) => matchesRule(rule, { ...asked, resource }));
    if (found) return found;
  }
  return undefined;
}

const CONFIGURATION_KINDS = new Set([
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
]);

/** Whoever configures admission is not stopped by what is configured, or nobody could put it right again. */
export function configuresAdmission({ kind }: Pick<AdmissionAttributes, 'kind'>): boolean {
  return kind.group === 'admissionregistration.k8s.io' && CONFIGURATION_KINDS.has(kind.kind);
}
