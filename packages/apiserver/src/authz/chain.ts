/** `--authorization-mode`: authorizers in order, before them the masters who may do all. */
import { aggregate } from '../aggregate.ts';
import { SYSTEM_MASTERS } from '../authn/authenticator.ts';
import type { UserInfo } from '../registry/strategy.ts';
import {
  ALLOW,
  type Attributes,
  type Authorize,
  type Authorizer,
  type Decision,
  NO_OPINION,
  type RulesOf,
} from './attributes.ts';
import { quoteList } from './rbac/rules.ts';

export const AUTHORIZATION_MODES = ['AlwaysAllow', 'AlwaysDeny', 'ABAC', 'Webhook', 'RBAC', 'Node'] as const;
export type AuthorizationMode = (typeof AUTHORIZATION_MODES)[number];

const NOTHING: RulesOf = { resourceRules: [], nonResourceRules: [], incomplete: false };

export const alwaysAllow: Authorizer = {
  authorize: () => ALLOW,
  rulesFor: () => ({
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [] }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
    incomplete: false,
  }),
};

/** Has no opinion on anything, which denies where nobody else allows. */
export const alwaysDeny: Authorizer = {
  authorize: () => ({ decision: 'no-opinion', reason: 'Everything is forbidden.' }),
  rulesFor: () => NOTHING,
};

const masters: Authorize = ({ user }) => (user.groups.includes(SYSTEM_MASTERS) ? ALLOW : NO_OPINION);

/**
 * The authorizers of the modes, in their order.
 * @throws Error for a mode that is unknown, listed twice, or not provided
 */
export function authorizerChain(
  modes: readonly string[],
  provided: Partial<Record<AuthorizationMode, Authorizer>>,
): Authorizer {
  if (modes.length === 0) throw new Error('at least one authorization-mode must be passed');
  const known = { AlwaysAllow: alwaysAllow, AlwaysDeny: alwaysDeny, ...provided };
  const authorizers = modes.map((mode, i) => {
    const authorizer = known[mode as AuthorizationMode];
    if (!authorizer) throw new Error(`authorization-mode "${mode}" is not a valid mode`);
    if (modes.indexOf(mode) !== i)
      throw new Error(`authorization-mode ${quoteList(modes)} has mode specified more than once`);
    return authorizer;
  });
  return {
    authorize: inOrder([masters, ...authorizers.map((a) => a.authorize)]),
    rulesFor: (user, namespace) => allRules(authorizers, user, namespace),
  };
}

/** The first that allows or denies decides; else the reasons of all, a line each. */
export function inOrder(authorizers: readonly Authorize[]): Authorize {
  const from = (start: number, attributes: Attributes, silent: Decision[]): Decision | Promise<Decision> => {
    for (let i = start; i < authorizers.length; i++) {
      const decision = authorizers[i]!(attributes);
      if (decision instanceof Promise)
        return decision.then((d) => (d.decision === 'no-opinion' ? from(i + 1, attributes, [...silent, d]) : d));
      if (decision.decision !== 'no-opinion') return decision;
      silent.push(decision);
    }
    return summary(silent);
  };
  return (attributes) => from(0, attributes, []);
}

function summary(silent: readonly Decision[]): Decision {
  const reason = silent
    .map((d) => d.reason)
    .filter((r) => r !== '')
    .join('\n');
  const error = aggregate(silent.flatMap((d) => (d.error ? [d.error] : [])));
  return { decision: 'no-opinion', reason, ...(error ? { error } : {}) };
}

function allRules(authorizers: readonly Authorizer[], user: UserInfo, namespace: string): RulesOf {
  const all = authorizers.map((a) => a.rulesFor(user, namespace));
  const error = aggregate(all.flatMap((r) => (r.error ? [r.error] : [])));
  return {
    resourceRules: all.flatMap((r) => r.resourceRules),
    nonResourceRules: all.flatMap((r) => r.nonResourceRules),
    incomplete: all.some((r) => r.incomplete),
    ...(error ? { error } : {}),
  };
}
