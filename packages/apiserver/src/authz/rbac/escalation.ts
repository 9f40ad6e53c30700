/**
 * Nobody grants what he does not have: the checks before roles and bindings are written
 * (pkg/registry/rbac/escalation_check.go and the policybased folders beside it). The registry calls them with the object as it would be stored,
 * before validation.
 */

import { isDeepStrictEqual } from 'node:util';
import { forbidden, type GroupResource, notFound, type StatusError } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
} from '@keelson/api/generated/types/rbac/v1';
import { aggregate } from '../../aggregate.ts';
import { SYSTEM_MASTERS } from '../../authn/authenticator.ts';
import type { UserInfo } from '../../registry/strategy.ts';
import { type Authorize, resourceAttributes } from '../attributes.ts';
import { RBAC_GROUP, type RbacIndex } from './index.ts';
import { compactRules, describeRule, missingRules, quoteList } from './rules.ts';

export interface EscalationContext {
  readonly user: UserInfo;
  /** Of the request; empty for cluster roles and their bindings. */
  readonly namespace: string;
  /** The name in the request's path; empty for a create. */
  readonly requestName: string;
  readonly authorize: Authorize;
  readonly rules: Pick<RbacIndex, 'policyRules'>;
  /** The rules of a role as stored now; undefined when there is none. */
  readonly roleRules: (ref: RoleRef, namespace: string) => Promise<readonly PolicyRule[] | undefined>;
}

const FULL_AUTHORITY: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/**
 * @param old the stored object for an update, undefined for a create
 * @throws StatusError 403 with the rules that the user lacks
 */
export async function checkRoleEscalation(
  ctx: EscalationContext,
  role: Role | ClusterRole,
  old: Role | ClusterRole | undefined,
): Promise<void> {
  const resource = { group: RBAC_GROUP, resource: ctx.namespace === '' ? 'clusterroles' : 'roles' };
  if (isMaster(ctx.user) || (await isAllowedTo(ctx, 'escalate', resource.resource, ctx.requestName, ctx.namespace)))
    return;
  if (old && changesOnlyOwnership(role, old)) return;
  const name = role.metadata.name ?? '';
  confirmNoEscalation(ctx, resource, name, role.rules ?? []);
  if (hasAggregationRule(role) || (old && hasAggregationRule(old))) {
    if (lackOf(ctx, resource, FULL_AUTHORITY) !== undefined)
      throw forbidden(resource, name, 'must have cluster-admin privileges to use the aggregationRule');
  }
}

/** @throws StatusError 403 with the rules that the user lacks, 404 for a missing role */
export async function checkBindingEscalation(
  ctx: EscalationContext,
  binding: RoleBinding | ClusterRoleBinding,
  old: RoleBinding | ClusterRoleBinding | undefined,
): Promise<void> {
  if (isMaster(ctx.user) || (old && changesOnlyOwnership(binding, old))) return;
  const ref = binding.roleRef;
  const roles = { ClusterRole: 'clusterroles', Role: 'roles' }[ref.kind];
  if (roles && (await isAllowedTo(ctx, 'bind', roles, ref.name, ctx.namespace, ref.apiGroup))) return;
  const resource = { group: RBAC_GROUP, resource: ctx.namespace === '' ? 'clusterrolebindings' : 'rolebindings' };
  const rules = await ctx.roleRules(ref, ctx.namespace);
  if (!rules) throw notFoundIn(resource, ref);
  confirmNoEscalation(ctx, resource, binding.metadata.name ?? '', rules);
}

function confirmNoEscalation(
  ctx: EscalationContext,
  resource: GroupResource,
  name: string,
  wanted: readonly PolicyRule[],
): void {
  const lack = lackOf(ctx, resource, wanted);
  if (lack !== undefined) throw forbidden(resource, name, lack);
}

/** What is missing, in words; undefined when nothing is. */
function lackOf(
  { user, namespace, rules }: EscalationContext,
  resource: GroupResource,
  wanted: readonly PolicyRule[],
): string | undefined {
  const owned = rules.policyRules(user, namespace);
  const missing = missingRules(owned.rules, wanted);
  if (missing.length === 0) return undefined;
  const lines = [...new Set(compactRules(missing).map(describeRule))].sort();
  const who = `user ${quote(user.name)} (groups=${quoteList(user.groups)})`;
  const unresolved = aggregate(owned.missing.map((ref) => notFoundIn(resource, ref)));
  return `${who} is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}${unresolved ? `; resolution errors: [${unresolved.message}]` : ''}`;
}

/** Upstream's storage names the resource of the request, whatever it was looking for. */
function notFoundIn(resource: GroupResource, { name }: RoleRef): StatusError {
  return notFound(resource, name);
}

function isMaster(user: UserInfo): boolean {
  return user.groups.includes(SYSTEM_MASTERS);
}

async function isAllowedTo(
  { user, authorize }: EscalationContext,
  verb: string,
  resource: string,
  name: string,
  namespace: string,
  apiGroup = RBAC_GROUP,
): Promise<boolean> {
  const attributes = resourceAttributes({ user, verb, apiGroup, apiVersion: '*', resource, name, namespace });
  return (await authorize(attributes)).decision === 'allow';
}

function hasAggregationRule(role: Role | ClusterRole): boolean {
  return 'aggregationRule' in role && (role.aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0;
}

type Owned = Role | ClusterRole | RoleBinding | ClusterRoleBinding;

/** What the garbage collector writes: owners and finalizers. */
function changesOnlyOwnership(object: Owned, old: Owned): boolean {
  return isDeepStrictEqual(withoutOwnership(object), withoutOwnership(old));
}

function withoutOwnership(object: Owned): unknown {
  const { ownerReferences: _, finalizers: __, managedFields: ___, selfLink: ____, ...metadata } = object.metadata;
  return { ...object, metadata };
}
