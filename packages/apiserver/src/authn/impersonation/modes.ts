/**
 * Who may be taken for whom. Four constrained modes ask twice: for the right to do this very thing in the mode
 * (`impersonate-on:<mode>:<verb>`), and for the right to be each part of the wanted user (`impersonate:<mode>`). The
 * legacy mode asks only for the second, with the verb `impersonate`
 * (k8s.io/apiserver/pkg/endpoints/filters/impersonation/mode.go).
 */
import { StatusError } from '@keelson/api/errors';
import { Path, quote } from '@keelson/api/field';
import { isDomainPrefixedPath } from '@keelson/api/validation/domains';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { aggregate } from '../../aggregate.ts';
import { type Attributes, type Authorize, forbiddenError, resourceAttributes } from '../../authz/attributes.ts';
import type { UserInfo } from '../../registry/strategy.ts';
import { ALL_AUTHENTICATED, ALL_UNAUTHENTICATED, ANONYMOUS, NODES_GROUP, SYSTEM_MASTERS } from '../authenticator.ts';
import { NODE_NAME, serviceAccountGroups, splitServiceAccountUsername } from '../serviceaccount/names.ts';

/** From here on one check for everything (`*`) is tried before one for each. */
const MANY_CHECKS = 4;
const NODE_PREFIX = 'system:node:';
const AUTHENTICATION_GROUP = 'authentication.k8s.io';

export interface Impersonated {
  readonly user: UserInfo;
  /** The verb that permitted it, for the audit log; empty for the legacy mode. */
  readonly constraint: string;
}

export interface Mode {
  readonly name: 'associated-node' | 'arbitrary-node' | 'serviceaccount' | 'user-info' | 'legacy';
  /** Whether the mode is meant for this user at all. */
  applies(wanted: UserInfo, requestor: UserInfo): boolean;
  /** The request as it is asked about: the associated node's own mode looks away from which node it is. */
  asSeen(attributes: Attributes): Attributes;
}

const asItIs = (attributes: Attributes): Attributes => attributes;

/** In the order in which they are tried. */
export const MODES: readonly Mode[] = [
  {
    name: 'associated-node',
    applies: (wanted, requestor) => {
      const node = nodeName(wanted.name);
      return (
        onlyNamed(wanted) &&
        node !== undefined &&
        splitServiceAccountUsername(requestor.name) !== undefined &&
        requestor.extra[NODE_NAME]?.length === 1 &&
        requestor.extra[NODE_NAME][0] === node
      );
    },
    asSeen: (attributes) => ({
      ...attributes,
      ...(attributes.verb === 'impersonate:associated-node' ? { name: '*' } : {}),
      user: {
        ...attributes.user,
        extra: { 'authentication.kubernetes.io/associated-node-keys': Object.keys(attributes.user.extra).sort() },
      },
    }),
  },
  {
    name: 'arbitrary-node',
    applies: (wanted) => onlyNamed(wanted) && nodeName(wanted.name) !== undefined,
    asSeen: asItIs,
  },
  {
    name: 'serviceaccount',
    applies: (wanted) => onlyNamed(wanted) && splitServiceAccountUsername(wanted.name) !== undefined,
    asSeen: asItIs,
  },
  {
    name: 'user-info',
    applies: ({ name }) => nodeName(name) === undefined && splitServiceAccountUsername(name) === undefined,
    asSeen: asItIs,
  },
  { name: 'legacy', applies: () => true, asSeen: asItIs },
];

/** The first check of a constrained mode. @throws StatusError 403 */
export async function checkRequest(mode: Mode, authorize: Authorize, attributes: Attributes): Promise<void> {
  await check(authorize, mode.asSeen({ ...attributes, verb: `impersonate-on:${mode.name}:${attributes.verb}` }));
}

/** The second check, which also makes the user that the request goes on as. @throws StatusError 403 */
export async function checkUser(
  mode: Mode,
  authorize: Authorize,
  wanted: UserInfo,
  requestor: UserInfo,
): Promise<Impersonated> {
  const constrained = mode.name !== 'legacy';
  const verb = constrained ? `impersonate:${mode.name}` : 'impersonate';
  const ask = (attributes: Partial<Attributes> & Pick<Attributes, 'resource'>): Attributes =>
    mode.asSeen(resourceAttributes({ user: requestor, verb, apiVersion: 'v1', ...attributes }));
  const permit = (attributes: Attributes): Promise<void> => check(authorize, attributes);
  const nameGroup = constrained ? AUTHENTICATION_GROUP : '';

  const groups = await permitName(wanted, constrained, (what) => permit(ask({ apiGroup: nameGroup, ...what })));
  if (wanted.uid !== '') await permit(ask({ apiGroup: AUTHENTICATION_GROUP, resource: 'uids', name: wanted.uid }));
  await permitGroups(
    wanted.groups,
    constrained,
    (name) => ask({ apiGroup: nameGroup, resource: 'groups', name }),
    permit,
  );
  await permitExtra(
    wanted.extra,
    constrained,
    (subresource, name) => ask({ apiGroup: AUTHENTICATION_GROUP, resource: 'userextras', subresource, name }),
    permit,
  );
  return { user: { ...wanted, groups: withImplicitGroup(wanted.name, groups) }, constraint: constrained ? verb : '' };
}

/** @returns the groups that the user goes on with, before the implicit one */
async function permitName(
  wanted: UserInfo,
  constrained: boolean,
  permit: (what: Pick<Attributes, 'resource'> & Partial<Attributes>) => Promise<void>,
): Promise<readonly string[]> {
  const account = splitServiceAccountUsername(wanted.name);
  const node = constrained ? nodeName(wanted.name) : undefined;
  if (account) await permit({ resource: 'serviceaccounts', ...account });
  else if (node !== undefined) await permit({ resource: 'nodes', name: node });
  else await permit({ resource: 'users', name: wanted.name });
  if (node !== undefined) return [NODES_GROUP];
  return account && wanted.groups.length === 0 ? serviceAccountGroups(account.namespace) : wanted.groups;
}

async function permitGroups(
  groups: readonly string[],
  constrained: boolean,
  ask: (name: string) => Attributes,
  permit: (attributes: Attributes) => Promise<void>,
): Promise<void> {
  if (constrained) {
    if (groups.includes('')) throw forbiddenError(ask(''), 'impersonating the empty string group is not allowed');
    if (groups.includes(SYSTEM_MASTERS))
      throw forbiddenError(ask(SYSTEM_MASTERS), 'impersonating the system:masters group is not allowed');
    if (groups.length >= MANY_CHECKS && (await succeeds(permit(ask('*'))))) return;
  }
  for (const group of groups) await permit(ask(group));
}

async function permitExtra(
  extra: UserInfo['extra'],
  constrained: boolean,
  ask: (key: string, value: string) => Attributes,
  permit: (attributes: Attributes) => Promise<void>,
): Promise<void> {
  const entries = Object.entries(extra);
  if (constrained) {
    const problem = entries.map(([key, values]) => extraProblem(key, values)).find((p) => p !== undefined);
    if (problem !== undefined) throw forbiddenError(ask('', ''), problem);
    const values = entries.reduce((sum, [, v]) => sum + v.length, 0);
    if (Math.max(entries.length, values) >= MANY_CHECKS && (await succeeds(permit(ask('*', '*'))))) return;
  }
  for (const [key, values] of entries) for (const value of values) await permit(ask(key, value));
}

function extraProblem(key: string, values: readonly string[]): string | undefined {
  if (key === '') return 'impersonating the empty string key in extra is not allowed';
  const invalid = aggregate(isDomainPrefixedPath(Path.of('extra', 'key'), key).map((e) => new Error(e.toString())));
  if (invalid) return `impersonating an invalid key in extra is not allowed: ${invalid.message}`;
  if (key !== key.toLowerCase()) return `impersonating a non-lowercase key in extra is not allowed: ${quote(key)}`;
  if (values.length === 0) return 'impersonating empty values in extra is not allowed';
  return values.includes('') ? 'impersonating the empty string value in extra is not allowed' : undefined;
}

async function check(authorize: Authorize, attributes: Attributes): Promise<void> {
  const { decision, reason, error } = await authorize(attributes);
  if (decision === 'allow') return;
  if (error instanceof StatusError && error.code === 403) throw error;
  const message = error ? (reason === '' ? error.message : `${error.message}: ${reason}`) : reason;
  throw forbiddenError(attributes, message);
}

async function succeeds(attempt: Promise<void>): Promise<boolean> {
  return attempt.then(
    () => true,
    () => false,
  );
}

function withImplicitGroup(name: string, groups: readonly string[]): readonly string[] {
  const implicit = name === ANONYMOUS ? ALL_UNAUTHENTICATED : ALL_AUTHENTICATED;
  const settled = groups.includes(implicit) || groups.includes(ALL_UNAUTHENTICATED);
  return settled ? groups : [...groups, implicit];
}

/** Undefined for a user who is no node. */
function nodeName(username: string): string | undefined {
  if (!username.startsWith(NODE_PREFIX)) return undefined;
  const name = username.slice(NODE_PREFIX.length);
  return nameIsDNSSubdomain(name, false).length === 0 ? name : undefined;
}

function onlyNamed({ uid, groups, extra }: UserInfo): boolean {
  return uid === '' && groups.length === 0 && Object.keys(extra).length === 0;
}
