/** What is asked of an authorizer, and what it says (k8s.io/apiserver/pkg/authorization/authorizer). */
import { forbidden, StatusError } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { FieldRequirement } from '@keelson/api/selectors/fields';
import type { LabelRequirement } from '@keelson/api/selectors/labels';
import type { UserInfo } from '../registry/strategy.ts';

/** Requirements that could be read, and whether some could not. */
export interface SelectorAttribute<R> {
  readonly requirements: readonly R[];
  readonly parseError?: Error;
}

export interface Attributes {
  readonly user: UserInfo;
  readonly verb: string;
  /** False: only user, verb and path count. */
  readonly isResourceRequest: boolean;
  readonly path: string;
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector?: SelectorAttribute<FieldRequirement>;
  readonly labelSelector?: SelectorAttribute<LabelRequirement>;
}

export interface Decision {
  readonly decision: 'allow' | 'deny' | 'no-opinion';
  /** For the client and the audit log; may be empty. */
  readonly reason: string;
  /** What went wrong while deciding. An allowance stands nevertheless. */
  readonly error?: Error;
}

/** Most know the answer at once; only those that ask somebody else return a promise. */
export type Authorize = (attributes: Attributes) => Decision | Promise<Decision>;

export interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

export interface NonResourceRule {
  readonly verbs: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

export interface RulesOf {
  readonly resourceRules: readonly ResourceRule[];
  readonly nonResourceRules: readonly NonResourceRule[];
  readonly incomplete: boolean;
  readonly error?: Error;
}

export interface Authorizer {
  readonly authorize: Authorize;
  /** What a user may do in a namespace, for SelfSubjectRulesReview. */
  rulesFor(user: UserInfo, namespace: string): RulesOf;
}

export const NO_OPINION: Decision = { decision: 'no-opinion', reason: '' };
export const ALLOW: Decision = { decision: 'allow', reason: '' };

const NO_RESOURCE = {
  isResourceRequest: true,
  path: '',
  apiGroup: '',
  apiVersion: '',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
} as const;

/** Attributes of a request for a resource; what is not named is empty. */
export function resourceAttributes(
  given: Pick<Attributes, 'user' | 'verb' | 'resource'> & Partial<Attributes>,
): Attributes {
  return { ...NO_RESOURCE, ...given };
}

export function nonResourceAttributes(user: UserInfo, verb: string, path: string): Attributes {
  return { ...NO_RESOURCE, isResourceRequest: false, user, verb, path };
}

/** Refused before any handler saw the request: browsers are told not to guess what the answer is. */
export class Denied extends StatusError {
  static as({ code, reason, message, details }: StatusError): Denied {
    return new Denied(code, reason, message, details);
  }
}

/** The 403 for these attributes. `reason` comes from the authorizer and may be empty. */
export function forbiddenError(attributes: Attributes, reason: string): Denied {
  const message = forbiddenMessage(attributes).replace(/[&<>]/g, (c) => HTML[c]!);
  return Denied.as(
    forbidden(
      { group: attributes.apiGroup, resource: attributes.resource },
      attributes.name,
      reason === '' ? message : `${message}: ${reason}`,
    ),
  );
}
const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

function forbiddenMessage(a: Attributes): string {
  const user = `User ${quote(a.user.name)} cannot ${a.verb}`;
  if (!a.isResourceRequest) return `${user} path ${quote(a.path)}`;
  const resource = a.subresource === '' ? a.resource : `${a.resource}/${a.subresource}`;
  const where = a.namespace === '' ? 'at the cluster scope' : `in the namespace ${quote(a.namespace)}`;
  return `${user} resource ${quote(resource)} in API group ${quote(a.apiGroup)} ${where}`;
}
