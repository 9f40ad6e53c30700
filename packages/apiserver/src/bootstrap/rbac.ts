/**
 * Roles and bindings that exist from the start, and how existing ones are brought up to date: what is missing is
 * added, what an administrator added stays, and what he marked is left alone
 * (pkg/registry/rbac/rest/storage_rbac.go, k8s.io/component-helpers/auth/rbac/reconciliation).
 */
import { isDeepStrictEqual } from 'node:util';
import type { LabelSelector } from '@keelson/api/generated/types/meta/v1';
import type {
  AggregationRule,
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from '@keelson/api/generated/types/rbac/v1';
import { missingRules } from '../authz/rbac/rules.ts';
import type { IsEnabled } from '../gates.ts';
import policy from '../generated/rbac.json' with { type: 'json' };
import { gatedNodeRules, gatedRoles, withdrawnRoles, withdrawnRules } from './gatedroles.ts';
import type { Write } from './reconcile.ts';

const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';
const API_VERSION = 'rbac.authorization.k8s.io/v1';

type Policy = ClusterRole | ClusterRoleBinding | Role | RoleBinding;

interface Given {
  readonly [part: string]: unknown;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: object };
}

export const bootstrapClusterRoles = policy.ClusterRole.map((o) => complete<ClusterRole>('ClusterRole', o));
export const bootstrapRoles = policy.Role.map((o) => complete<Role>('Role', o));
export const bootstrapClusterRoleBindings = policy.ClusterRoleBinding.map((o) =>
  complete<ClusterRoleBinding>('ClusterRoleBinding', o),
);
export const bootstrapRoleBindings = policy.RoleBinding.map((o) => complete<RoleBinding>('RoleBinding', o));

/** The roles and bindings of the whole cluster, with what exists behind gates. */
export function clusterPolicy(isEnabled: IsEnabled): {
  roles: ClusterRole[];
  bindings: ClusterRoleBinding[];
} {
  const wanted = gatedRoles.filter(({ gates }) => gates.every(isEnabled));
  const withdrawn = new Set(withdrawnRoles.flatMap(([gate, name]) => (isEnabled(gate) ? [] : [name])));
  const stays = ({ metadata }: Policy) => !withdrawn.has(metadata.name!);
  return {
    roles: [
      ...bootstrapClusterRoles.filter(stays).map((role) => {
        if (!role.rules) return role;
        return { ...role, rules: role === nodeRole ? nodeRules(isEnabled) : rulesOf(role, isEnabled) };
      }),
      ...wanted.map(({ account, rules }) => {
        return complete<ClusterRole>('ClusterRole', { metadata: { name: `system:controller:${account}` }, rules });
      }),
    ],
    bindings: [
      ...bootstrapClusterRoleBindings.filter(stays),
      ...wanted.map(({ account }) => {
        const name = `system:controller:${account}`;
        return complete<ClusterRoleBinding>('ClusterRoleBinding', {
          metadata: { name },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
          subjects: [{ kind: 'ServiceAccount', name: account, namespace: 'kube-system' }],
        });
      }),
    ],
  };
}

/** What every node may do, whatever the stored role of the name says. */
export function nodeRules(isEnabled: IsEnabled): PolicyRule[] {
  const gated = gatedNodeRules.filter(([gate]) => isEnabled(gate));
  return [...rulesOf(nodeRole, isEnabled), ...gated.map(([, rule]) => rule)];
}

/** Of the generated policy, without what comes of gates that are off. */
function rulesOf({ metadata, rules }: ClusterRole, isEnabled: IsEnabled): PolicyRule[] {
  const withdrawn = withdrawnRules.flatMap(([gate, roles, rule]) =>
    !isEnabled(gate) && roles.includes(metadata.name!) ? [rule] : [],
  );
  const urls = new Set(withdrawn.flatMap(({ nonResourceURLs = [] }) => nonResourceURLs));
  return (rules ?? []).flatMap((rule) => {
    if (withdrawn.some((each) => isDeepStrictEqual(each, rule))) return [];
    if (!rule.nonResourceURLs?.some((url) => urls.has(url))) return [rule];
    return [{ ...rule, nonResourceURLs: rule.nonResourceURLs.filter((url) => !urls.has(url)) }];
  });
}

const nodeRole = bootstrapClusterRoles.find((r) => r.metadata.name === 'system:node')!;

/** Roles whose own rules moved to another one, which the old one aggregates since Kubernetes 1.9. */
const AGGREGATED: Readonly<Record<string, string>> = {
  admin: 'system:aggregate-to-admin',
  edit: 'system:aggregate-to-edit',
  view: 'system:aggregate-to-view',
};

function complete<T extends Policy>(kind: string, given: Given): T {
  return {
    kind,
    apiVersion: API_VERSION,
    ...given,
    metadata: {
      ...given.metadata,
      labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...given.metadata.labels },
      annotations: { [AUTOUPDATE]: 'true' },
    },
  } as unknown as T;
}

/**
 * An administrator's changes to a role from before it was aggregated are kept by copying it under the new name.
 * @param get the stored cluster role of a name
 */
export function primeAggregatedRoles(get: (name: string) => ClusterRole | undefined): Write<ClusterRole>[] {
  return Object.entries(AGGREGATED).flatMap(([oldName, newName]): Write<ClusterRole>[] => {
    const old = get(oldName);
    if (get(newName) || !old || old.aggregationRule) return [];
    const { resourceVersion: _, uid: __, ...metadata } = old.metadata;
    return [{ type: 'create', object: { ...old, metadata: { ...metadata, name: newName } } }];
  });
}

/** The subjects of a changed `system:discovery` hold for `system:public-info-viewer` too, which was once part of it. */
export function primeSplitBindings(get: (name: string) => ClusterRoleBinding | undefined): Write<ClusterRoleBinding>[] {
  const source = get('system:discovery');
  const target = bootstrapClusterRoleBindings.find((b) => b.metadata.name === 'system:public-info-viewer')!;
  if (!source || get('system:public-info-viewer')) return [];
  const { labels, annotations } = source.metadata;
  const metadata = { name: target.metadata.name!, ...(labels && { labels }), ...(annotations && { annotations }) };
  const object = { ...target, metadata, ...(source.subjects && { subjects: source.subjects }) };
  return [{ type: 'create', object }];
}

/** What to write so that `live` grants at least what `desired` does. */
export function reconcileRole<T extends Role | ClusterRole>(desired: T, live: T | undefined): Write<T>[] {
  if (!live) return [{ type: 'create', object: desired }];
  if (isProtected(live)) return [];
  const next: T = { ...live, metadata: mergedMetadata(desired, live) };
  const missing = missingRules(live.rules ?? [], desired.rules ?? []);
  if (missing.length > 0) next.rules = [...(live.rules ?? []), ...missing];
  if ('aggregationRule' in desired || 'aggregationRule' in live) reconcileAggregation(desired, live, next);
  return isDeepStrictEqual(next, live) ? [] : [{ type: 'update', object: next }];
}

function reconcileAggregation(desired: ClusterRole, live: ClusterRole, next: ClusterRole): void {
  if (!desired.aggregationRule) {
    delete next.aggregationRule;
    return;
  }
  const known = live.aggregationRule?.clusterRoleSelectors ?? [];
  const isKnown = (selector: LabelSelector): boolean => known.some((k) => isDeepStrictEqual(k, selector));
  const missing = (desired.aggregationRule.clusterRoleSelectors ?? []).filter((s) => !isKnown(s));
  if (missing.length > 0)
    next.aggregationRule = { ...live.aggregationRule, clusterRoleSelectors: [...known, ...missing] } as AggregationRule;
}

/** A binding to another role is replaced, for its role cannot be changed. */
export function reconcileBinding<T extends RoleBinding | ClusterRoleBinding>(
  desired: T,
  live: T | undefined,
): Write<T>[] {
  if (!live) return [{ type: 'create', object: desired }];
  if (isProtected(live)) return [];
  if (!isDeepStrictEqual(live.roleRef, desired.roleRef))
    return [
      { type: 'delete', object: live },
      { type: 'create', object: desired },
    ];
  const next: T = { ...live, metadata: mergedMetadata(desired, live) };
  const isKnown = (subject: Subject): boolean => (live.subjects ?? []).some((k) => sameSubject(k, subject));
  const missing = (desired.subjects ?? []).filter((s) => !isKnown(s));
  if (missing.length > 0) next.subjects = [...(live.subjects ?? []), ...missing];
  return isDeepStrictEqual(next, live) ? [] : [{ type: 'update', object: next }];
}

function sameSubject(a: Subject, b: Subject): boolean {
  const key = (s: Subject): string => JSON.stringify([s.kind, s.apiGroup ?? '', s.namespace ?? '', s.name]);
  return key(a) === key(b);
}

function isProtected(live: Policy): boolean {
  return live.metadata.annotations?.[AUTOUPDATE] === 'false';
}

/** What is there wins over what is desired. */
function mergedMetadata<T extends Policy>(desired: T, live: T): T['metadata'] {
  return {
    ...live.metadata,
    labels: { ...desired.metadata.labels, ...live.metadata.labels },
    annotations: { ...desired.metadata.annotations, ...live.metadata.annotations },
  };
}
