import { isDeepStrictEqual } from 'node:util';
import type { ClusterRole, ClusterRoleBinding } from '@keelson/api/generated/types/rbac/v1';
import { describe, expect, test } from 'vitest';
import { type Gate, type IsEnabled, isEnabledByDefault } from '../gates.ts';
import {
  bootstrapClusterRoleBindings,
  bootstrapClusterRoles,
  bootstrapRoleBindings,
  bootstrapRoles,
  clusterPolicy,
  nodeRules,
  primeAggregatedRoles,
  primeSplitBindings,
  reconcileBinding,
  reconcileRole,
} from './rbac.ts';

const named = <T extends { metadata: { name?: string } }>(list: readonly T[], name: string): T =>
  list.find((o) => o.metadata.name === name)!;

test('the policy is complete', () => {
  expect(named(bootstrapClusterRoles, 'cluster-admin')).toEqual({
    kind: 'ClusterRole',
    apiVersion: 'rbac.authorization.k8s.io/v1',
    metadata: {
      name: 'cluster-admin',
      labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
      annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
    },
    rules: [
      { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
      { nonResourceURLs: ['*'], verbs: ['*'] },
    ],
  });
  expect(new Set(bootstrapRoles.map((r) => r.metadata.namespace))).toEqual(new Set(['kube-system', 'kube-public']));
  for (const b of [...bootstrapClusterRoleBindings, ...bootstrapRoleBindings]) {
    const roles = b.roleRef.kind === 'Role' ? bootstrapRoles : bootstrapClusterRoles;
    expect(named(roles as ClusterRole[], b.roleRef.name)).toBeDefined();
  }
});

describe('a role', () => {
  const desired = named(bootstrapClusterRoles, 'system:basic-user');
  const stored: ClusterRole = { ...desired, metadata: { ...desired.metadata, uid: 'u', resourceVersion: '7' } };

  test('is created when missing, left alone when right', () => {
    expect(reconcileRole(desired, undefined)).toEqual([{ type: 'create', object: desired }]);
    expect(reconcileRole(desired, stored)).toEqual([]);
  });
  test('gets the rules that it lacks and keeps those it has more', () => {
    const own = { verbs: ['get'], apiGroups: [''], resources: ['pods'] };
    const [write] = reconcileRole(desired, { ...stored, rules: [own, desired.rules![0]!] });
    expect(write).toMatchObject({ type: 'update', object: { metadata: { resourceVersion: '7' } } });
    expect(write!.object.rules).toEqual([own, ...desired.rules!]);
  });
  test('gets labels back but keeps the values of others', () => {
    const [write] = reconcileRole(desired, { ...stored, metadata: { ...stored.metadata, labels: { a: 'b' } } });
    expect(write!.object.metadata.labels).toEqual({ a: 'b', 'kubernetes.io/bootstrapping': 'rbac-defaults' });
  });
  test('is protected by its annotation', () => {
    const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' };
    expect(reconcileRole(desired, { ...stored, rules: [], metadata: { ...stored.metadata, annotations } })).toEqual([]);
  });
  test('aggregates what is wanted', () => {
    const admin = named(bootstrapClusterRoles, 'admin');
    const other = { matchLabels: { a: 'b' } };
    const [write] = reconcileRole(admin, { ...admin, aggregationRule: { clusterRoleSelectors: [other] } });
    expect(write!.object.aggregationRule!.clusterRoleSelectors).toEqual([
      other,
      ...admin.aggregationRule!.clusterRoleSelectors!,
    ]);
    expect(reconcileRole(desired, { ...stored, aggregationRule: {} })[0]!.object).not.toHaveProperty('aggregationRule');
  });
});

describe('a binding', () => {
  const desired = named(bootstrapClusterRoleBindings, 'system:discovery');
  test('gets subjects back', () => {
    const own = { kind: 'User', name: 'alice', apiGroup: 'rbac.authorization.k8s.io' };
    const [write] = reconcileBinding(desired, { ...desired, subjects: [own] });
    expect(write!.object.subjects).toEqual([own, ...desired.subjects!]);
  });
  test('to another role is replaced', () => {
    const live: ClusterRoleBinding = { ...desired, roleRef: { ...desired.roleRef, name: 'x' } };
    expect(reconcileBinding(desired, live).map((w) => w.type)).toEqual(['delete', 'create']);
  });
});

test('what old clusters changed is carried over', () => {
  const admin: ClusterRole = { metadata: { name: 'admin', uid: 'u', resourceVersion: '3' }, rules: [] };
  expect(primeAggregatedRoles((name) => (name === 'admin' ? admin : undefined))).toEqual([
    { type: 'create', object: { metadata: { name: 'system:aggregate-to-admin' }, rules: [] } },
  ]);
  const discovery = { ...named(bootstrapClusterRoleBindings, 'system:discovery'), subjects: [] };
  const [write] = primeSplitBindings((name) => (name === 'system:discovery' ? discovery : undefined));
  expect(write!.object).toMatchObject({ metadata: { name: 'system:public-info-viewer' }, subjects: [] });
});

test('rights of nodes behind gates are in their role, and theirs whatever it says', () => {
  const rule = (resource: string, ...verbs: string[]) => ({
    apiGroups: ['certificates.k8s.io'],
    resources: [resource],
    verbs,
  });
  const bundles = rule('clustertrustbundles', 'get', 'list', 'watch');
  const requests = rule('podcertificaterequests', 'create', 'get', 'list', 'watch');
  const only =
    (...gates: Gate[]): IsEnabled =>
    (gate) =>
      gates.includes(gate) || isEnabledByDefault(gate);
  const always = nodeRules(only());
  const roleOf = (isEnabled: IsEnabled) => named(clusterPolicy(isEnabled).roles, 'system:node').rules;
  expect(roleOf(only())).toEqual(always);
  expect(roleOf(only('ClusterTrustBundle'))).toEqual([...always, bundles]);
  expect(roleOf(only('PodCertificateRequest'))).toEqual([...always, requests]);
  expect(nodeRules(() => true)).toEqual([...always, bundles, requests]);
});

test.each<[Gate, string, readonly object[] | undefined]>([
  ['DRADeviceTaints', 'system:controller:device-taint-eviction-controller', undefined],
  ['DRAExtendedResource', 'system:kube-scheduler', [{ resources: ['resourceclaims'], verbs: ['create', 'delete'] }]],
  ['DRAResourceClaimGranularStatusAuthorization', 'system:kube-scheduler', [{ resources: ['resourceclaims/binding'] }]],
  [
    'DRAResourceClaimGranularStatusAuthorization',
    'system:controller:resource-claim-controller',
    [{ resources: ['resourceclaims/binding'] }],
  ],
  ['KubeletServiceAccountTokenForCredentialProviders', 'system:node', [{ resources: ['serviceaccounts'] }]],
])('without %s %s loses what comes of it', (gate, name, lost) => {
  const withAll = clusterPolicy(isEnabledByDefault);
  const without = clusterPolicy((each) => each !== gate && isEnabledByDefault(each));
  const before = named(withAll.roles, name).rules!;
  const after = named(without.roles, name)?.rules;
  expect(named(without.bindings, name) === undefined).toBe(lost === undefined);
  expect(after && before.filter((rule) => !after.some((other) => isDeepStrictEqual(rule, other)))).toEqual(
    lost?.map((rule) => expect.objectContaining(rule)),
  );
});

test('pages that are not there may not be asked for', () => {
  const urls = (isEnabled: IsEnabled) => named(clusterPolicy(isEnabled).roles, 'system:monitoring').rules![0]!;
  const all = urls(isEnabledByDefault).nonResourceURLs!;
  const left = urls((gate) => gate !== 'ComponentFlagz' && isEnabledByDefault(gate)).nonResourceURLs;
  expect([all.includes('/flagz'), left]).toEqual([true, all.filter((url) => url !== '/flagz')]);
});
