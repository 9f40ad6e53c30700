/** Authorizers in order, before them the masters who may do all. */
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
import type { AuthorizationMode } from './configuration.ts';
import type { AuthorizationMetrics } from './metrics.ts';

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

export interface NamedAuthorizer {
  readonly type: AuthorizationMode;
  readonly name: string;
  /** Undefined: the server has started without it. */
  readonly authorizer: Authorizer | undefined;
}

const ALWAYS: Partial<Record<AuthorizationMode, Authorizer>> = { AlwaysAllow: alwaysAllow, AlwaysDeny: alwaysDeny };

/**
 * The authorizers in their order, what they decide counted.
 * @throws Error for none at all, and for one that the server has started without
 */
export function authorizerChain(
  given: readonly NamedAuthorizer[],
  metrics: Pick<AuthorizationMetrics, 'counted'>,
): Authorizer {
  if (given.length === 0) throw new Error('at least one authorization mode must be passed');
  const authorizers = given.map(({ type, name, authorizer = ALWAYS[type] }) => {
    if (!authorizer)
      throw new Error(`authorizer type ${type} is not allowed if it was not enabled at initial server startup`);
    return { rulesFor: authorizer, authorize: metrics.counted(type, name, (a) => authorizer.authorize(a)) };
  });
  return {
    authorize: inOrder([masters, ...authorizers.map((a) => a.authorize)]),
    rulesFor: (user, namespace) =>
      allRules(
        authorizers.map((a) => a.rulesFor),
        user,
        namespace,
      ),
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
