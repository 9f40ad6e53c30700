/** `--authorization-policy-file`: policies, one a line, that only the operator of the machine can change (pkg/auth/authorizer/abac). */
import { ALL_AUTHENTICATED } from '../authn/authenticator.ts';
import type { UserInfo } from '../registry/strategy.ts';
import { ALLOW, type Attributes, type Authorizer, type RulesOf } from './attributes.ts';
import { matchesUrl } from './url-pattern.ts';

/** What is empty matches nobody and nothing but what is empty. */
export interface AbacPolicy {
  readonly user: string;
  readonly group: string;
  readonly readonly: boolean;
  readonly apiGroup: string;
  readonly resource: string;
  readonly namespace: string;
  readonly nonResourcePath: string;
}

const API_GROUP = 'abac.authorization.kubernetes.io';
const READ_VERBS = ['get', 'list', 'watch'];

/**
 * @param name of the file, for errors
 * @param onUnversioned called where policies stand there in the form from before they had a version
 * @throws Error with the line that is wrong
 */
export function parsePolicyFile(text: string, name: string, onUnversioned: () => void): AbacPolicy[] {
  let isUnversioned = false;
  const policies = text.split('\n').flatMap((raw, i): AbacPolicy[] => {
    const line = raw.replace(/\r$/, '');
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    try {
      const { policy, hasVersion } = parsePolicy(JSON.parse(line));
      isUnversioned ||= !hasVersion;
      return [policy];
    } catch (error) {
      throw new Error(`error reading policy file ${name}, line ${i + 1}: ${line}: ${(error as Error).message}`);
    }
  });
  if (isUnversioned) onUnversioned();
  return policies;
}

function parsePolicy(value: unknown): { policy: AbacPolicy; hasVersion: boolean } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('a policy must be an object');
  const { apiVersion, kind, spec, ...rest } = value as Record<string, unknown>;
  if (!apiVersion || !kind) return { policy: unversioned(rest), hasVersion: false };
  if (kind !== 'Policy' || apiVersion !== `${API_GROUP}/v1beta1`)
    throw new Error(`no kind "${String(kind)}" is registered for version "${String(apiVersion)}"`);
  return { policy: everybody(read((spec ?? {}) as Record<string, unknown>)), hasVersion: true };
}

/** Since then what is left out no longer means everything. */
function unversioned(given: Record<string, unknown>): AbacPolicy {
  const policy = read(given);
  const { user, namespace, resource } = policy;
  return everybody({
    ...policy,
    group: user === '' && policy.group === '' ? ALL_AUTHENTICATED : policy.group,
    namespace: namespace || '*',
    resource: resource || '*',
    apiGroup: '*',
    nonResourcePath: namespace === '' && resource === '' ? '*' : '',
  });
}

/** A star stands for those who are known. */
function everybody(policy: AbacPolicy): AbacPolicy {
  return policy.user === '*' || policy.group === '*' ? { ...policy, user: '', group: ALL_AUTHENTICATED } : policy;
}

function read(given: Record<string, unknown>): AbacPolicy {
  const text = (name: string): string => {
    const value = given[name] ?? '';
    if (typeof value !== 'string') throw new Error(`${name} must be a string`);
    return value;
  };
  const readonly = given.readonly ?? false;
  if (typeof readonly !== 'boolean') throw new Error('readonly must be a boolean');
  return {
    user: text('user'),
    group: text('group'),
    readonly,
    apiGroup: text('apiGroup'),
    resource: text('resource'),
    namespace: text('namespace'),
    nonResourcePath: text('nonResourcePath'),
  };
}

export function abacAuthorizer(policies: readonly AbacPolicy[]): Authorizer {
  return {
    authorize: (attributes) =>
      policies.some((policy) => matches(policy, attributes))
        ? ALLOW
        : { decision: 'no-opinion', reason: 'No policy matched.' },
    rulesFor: (user, namespace) => rulesOf(policies, user, namespace),
  };
}

function matches(policy: AbacPolicy, a: Attributes): boolean {
  if (!matchesSubject(policy, a.user)) return false;
  if (policy.readonly && !READ_VERBS.includes(a.verb)) return false;
  if (!a.isResourceRequest) return matchesUrl(policy.nonResourcePath, a.path);
  const { namespace, resource, apiGroup } = policy;
  return is(namespace, a.namespace) && is(resource, a.resource) && is(apiGroup, a.apiGroup);
}

function is(wanted: string, given: string): boolean {
  return wanted === '*' || wanted === given;
}

/** Whom it names must both fit; one that names nobody is for nobody. */
function matchesSubject({ user, group }: AbacPolicy, { name, groups }: UserInfo): boolean {
  if (user !== '' && user !== name) return false;
  if (group !== '' && !groups.includes(group)) return false;
  return user !== '' || group !== '';
}

function rulesOf(policies: readonly AbacPolicy[], user: UserInfo, namespace: string): RulesOf {
  const own = policies.filter((policy) => matchesSubject(policy, user) && is(policy.namespace, namespace));
  const verbsOf = (policy: AbacPolicy) => (policy.readonly ? READ_VERBS : ['*']);
  return {
    resourceRules: own
      .filter(({ resource }) => resource !== '')
      .map((policy) => ({
        verbs: verbsOf(policy),
        apiGroups: [policy.apiGroup],
        resources: [policy.resource],
        resourceNames: [],
      })),
    nonResourceRules: own
      .filter(({ nonResourcePath }) => nonResourcePath !== '')
      .map((policy) => ({ verbs: verbsOf(policy), nonResourceURLs: [policy.nonResourcePath] })),
    incomplete: false,
  };
}
