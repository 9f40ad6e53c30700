import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from '@keelson/api/generated/types/rbac/v1';
import { describe, expect, test } from 'vitest';
import { bootstrapClusterRoleBindings, bootstrapClusterRoles } from '../../bootstrap/rbac.ts';
import type { UserInfo } from '../../registry/strategy.ts';
import { type Attributes, forbiddenError, nonResourceAttributes, resourceAttributes } from '../attributes.ts';
import { checkBindingEscalation, checkRoleEscalation, type EscalationContext } from './escalation.ts';
import { RbacIndex } from './index.ts';

const user = (name: string, ...groups: string[]): UserInfo => ({ name, uid: '', groups, extra: {} });
const alice = user('alice', 'devs');

const role = (name: string, namespace: string, ...rules: PolicyRule[]): Role => ({
  metadata: { name, namespace },
  rules,
});
const clusterRole = (name: string, ...rules: PolicyRule[]): ClusterRole => ({ metadata: { name }, rules });
const binding = (name: string, namespace: string, kind: string, to: string, ...subjects: Subject[]): RoleBinding => ({
  metadata: { name, namespace },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: to },
  subjects,
});
const clusterBinding = (name: string, to: string, ...subjects: Subject[]): ClusterRoleBinding => ({
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: to },
  subjects,
});
const asks = (verb: string, resource: string, more: Partial<Attributes> = {}): Attributes =>
  resourceAttributes({ user: alice, verb, resource, ...more });

function rule(verbs: string, apiGroups: string, resources: string, ...resourceNames: string[]): PolicyRule {
  const names = resourceNames.length ? { resourceNames } : {};
  return { verbs: verbs.split(','), apiGroups: apiGroups.split(','), resources: resources.split(','), ...names };
}

describe('a rule', () => {
  const cases: [string, PolicyRule, Attributes, boolean][] = [
    ['verb and resource', rule('get', '', 'pods'), asks('get', 'pods'), true],
    ['another verb', rule('get', '', 'pods'), asks('list', 'pods'), false],
    ['another group', rule('get', '', 'pods'), asks('get', 'pods', { apiGroup: 'x' }), false],
    [
      'subresources are resources of their own',
      rule('get', '', 'pods'),
      asks('get', 'pods', { subresource: 'log' }),
      false,
    ],
    ['one subresource', rule('get', '', 'pods/log'), asks('get', 'pods', { subresource: 'log' }), true],
    ['a subresource of all', rule('get', '', '*/scale'), asks('get', 'deployments', { subresource: 'scale' }), true],
    ['the star', rule('*', '*', '*'), asks('get', 'deployments', { subresource: 'scale', apiGroup: 'apps' }), true],
    ['a name', rule('get', '', 'pods', 'a'), asks('get', 'pods', { name: 'a' }), true],
    ['no name', rule('list', '', 'pods', 'a'), asks('list', 'pods'), false],
    [
      'a path',
      { verbs: ['get'], nonResourceURLs: ['/metrics'] },
      nonResourceAttributes(alice, 'get', '/metrics'),
      true,
    ],
    [
      'paths below',
      { verbs: ['get'], nonResourceURLs: ['/debug/*'] },
      nonResourceAttributes(alice, 'get', '/debug/x'),
      true,
    ],
    [
      'a star inside',
      { verbs: ['get'], nonResourceURLs: ['/y*z'] },
      nonResourceAttributes(alice, 'get', '/yyz'),
      false,
    ],
    ['a path is no resource', rule('*', '*', '*'), nonResourceAttributes(alice, 'get', '/metrics'), false],
  ];
  test.each(cases)('%s', (_, given, attributes, allowed) => {
    const index = new RbacIndex();
    index.setRole(clusterRole('r', given));
    index.setBinding(clusterBinding('b', 'r', { kind: 'User', name: 'alice' }));
    expect(index.authorize(attributes).decision).toBe(allowed ? 'allow' : 'no-opinion');
  });
});

describe('bindings', () => {
  test('of a namespace hold there only, and say so', () => {
    const index = new RbacIndex();
    index.setRole(role('r', 'ns', rule('get', '', 'pods')));
    index.setBinding(binding('b', 'ns', 'Role', 'r', { kind: 'Group', name: 'devs' }));
    expect(index.authorize(asks('get', 'pods', { namespace: 'ns' }))).toEqual({
      decision: 'allow',
      reason: 'RBAC: allowed by RoleBinding "b/ns" of Role "r" to Group "devs"',
    });
    expect(index.authorize(asks('get', 'pods', { namespace: 'other' })).decision).toBe('no-opinion');
    expect(index.authorize(asks('get', 'pods')).decision).toBe('no-opinion');
  });

  test('name service accounts of their own namespace by default', () => {
    const index = new RbacIndex();
    index.setRole(clusterRole('r', rule('get', '', 'pods')));
    index.setBinding(binding('b', 'ns', 'ClusterRole', 'r', { kind: 'ServiceAccount', name: 'sa' }));
    index.setBinding(clusterBinding('none', 'r', { kind: 'ServiceAccount', name: 'other' }));
    const asked = (who: string) => asks('get', 'pods', { namespace: 'ns', user: user(who) });
    expect(index.authorize(asked('system:serviceaccount:ns:sa')).reason).toBe(
      'RBAC: allowed by RoleBinding "b/ns" of ClusterRole "r" to ServiceAccount "sa/ns"',
    );
    expect(index.authorize(asked('system:serviceaccount:ns:other')).decision).toBe('no-opinion');
  });

  test('to missing roles are told with the refusal', () => {
    const index = new RbacIndex();
    const subject = { kind: 'User', name: 'alice' };
    index.setBinding(binding('b', 'ns', 'Role', 'missing', subject));
    const asked = asks('list', 'configmaps', { namespace: 'ns' });
    const first = index.authorize(asked);
    expect(forbiddenError(asked, first.reason).message).toBe(
      'configmaps is forbidden: User "alice" cannot list resource "configmaps" in API group "" in the namespace "ns": ' +
        'RBAC: role.rbac.authorization.k8s.io "missing" not found',
    );
    index.setBinding(clusterBinding('c', 'gone', subject));
    expect(index.authorize(asked).reason).toBe(
      'RBAC: [clusterrole.rbac.authorization.k8s.io "gone" not found, role.rbac.authorization.k8s.io "missing" not found]',
    );
  });

  test('follow changes and deletions', () => {
    const index = new RbacIndex();
    const asked = asks('get', 'pods', { namespace: 'ns' });
    index.setRole(role('r', 'ns', rule('get', '', 'pods')));
    index.setBinding(binding('b', 'ns', 'Role', 'r', { kind: 'User', name: 'alice' }));
    index.setBinding(binding('b', 'ns', 'Role', 'r', { kind: 'User', name: 'bob' }));
    expect(index.authorize(asked).decision).toBe('no-opinion');
    expect(index.authorize({ ...asked, user: user('bob') }).decision).toBe('allow');
    index.deleteBinding('ns', 'b');
    expect(index.authorize({ ...asked, user: user('bob') })).toEqual({ decision: 'no-opinion', reason: '' });
  });
});

describe('escalation', () => {
  function context(namespace: string, ...own: PolicyRule[]): EscalationContext {
    const index = new RbacIndex();
    index.setRole(clusterRole('own', ...own));
    index.setRole(clusterRole('reader', rule('get', '', 'secrets')));
    index.setBinding(clusterBinding('own', 'own', { kind: 'User', name: 'alice' }));
    return {
      user: alice,
      namespace,
      requestName: '',
      authorize: index.authorize,
      rules: index,
      roleRules: async (ref, ns) => index.rulesOfRole(ref, ns),
    };
  }
  const head = 'user "alice" (groups=["devs"]) is attempting to grant RBAC permissions not currently held:';

  test('lists what the user lacks, verbs together', async () => {
    const ctx = context('ns', rule('get', '', 'pods'));
    const wanted = role('q', 'ns', rule('get,delete,watch', '', 'pods'), rule('get', '', 'secrets', 's'));
    await expect(checkRoleEscalation(ctx, wanted, undefined)).rejects.toThrow(
      `roles.rbac.authorization.k8s.io "q" is forbidden: ${head}\n` +
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete" "watch"]}\n' +
        '{APIGroups:[""], Resources:["secrets"], ResourceNames:["s"], Verbs:["get"]}',
    );
  });

  test.each<[string, PolicyRule[], PolicyRule[], boolean]>([
    ['names are part of all', [rule('get', '', 'pods')], [rule('get', '', 'pods', 'x')], true],
    ['all is not part of names', [rule('get', '', 'pods', 'x')], [rule('get', '', 'pods')], false],
    ['a star needs a star', [rule('get,list,watch', '', 'pods')], [rule('*', '', 'pods')], false],
    ['subresources of all', [rule('get', 'apps', '*/scale')], [rule('get', 'apps', 'deployments/scale')], true],
    ['paths', [{ verbs: ['get'], nonResourceURLs: ['/a/*'] }], [{ verbs: ['get'], nonResourceURLs: ['/a/b/*'] }], true],
    ['the verb escalate', [rule('escalate', 'rbac.authorization.k8s.io', 'roles')], [rule('*', '*', '*')], true],
  ])('%s', async (_, own, wanted, allowed) => {
    const attempt = checkRoleEscalation(context('ns', ...own), role('q', 'ns', ...wanted), undefined);
    await (allowed ? expect(attempt).resolves.toBeUndefined() : expect(attempt).rejects.toThrow(head));
  });

  test('aggregation needs everything', async () => {
    const aggregated: ClusterRole = {
      ...clusterRole('q'),
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: {} }] },
    };
    await expect(checkRoleEscalation(context('', rule('create', '*', '*')), aggregated, undefined)).rejects.toThrow(
      'clusterroles.rbac.authorization.k8s.io "q" is forbidden: must have cluster-admin privileges to use the aggregationRule',
    );
  });

  test('the garbage collector may drop owners', async () => {
    const old = role('q', 'ns', rule('*', '*', '*'));
    const next = { ...old, metadata: { ...old.metadata, finalizers: ['x'] } };
    await expect(checkRoleEscalation(context('ns'), next, old)).resolves.toBeUndefined();
  });

  test('binding needs the rules of the role, the verb bind, or a role that exists', async () => {
    const wanted = binding('b', 'ns', 'ClusterRole', 'reader');
    await expect(checkBindingEscalation(context('ns'), wanted, undefined)).rejects.toThrow(
      `rolebindings.rbac.authorization.k8s.io "b" is forbidden: ${head}\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}`,
    );
    const bind = rule('bind', 'rbac.authorization.k8s.io', 'clusterroles', 'reader');
    await expect(checkBindingEscalation(context('ns', bind), wanted, undefined)).resolves.toBeUndefined();
    await expect(checkBindingEscalation(context('ns'), binding('b', 'ns', 'Role', 'gone'), undefined)).rejects.toThrow(
      'rolebindings.rbac.authorization.k8s.io "gone" not found',
    );
  });
});

test('a permitted request costs microseconds', () => {
  const index = new RbacIndex();
  for (const r of bootstrapClusterRoles) index.setRole(r);
  for (const b of bootstrapClusterRoleBindings) index.setBinding(b);
  for (let i = 0; i < 2000; i++) index.setBinding(clusterBinding(`b${i}`, 'view', { kind: 'User', name: `u${i}` }));
  const asked = asks('list', 'nodes', { user: user('system:kube-scheduler', 'system:authenticated') });
  expect(index.authorize(asked).decision).toBe('allow');
  const start = performance.now();
  for (let i = 0; i < 10_000; i++) index.authorize(asked);
  const micros = ((performance.now() - start) * 1000) / 10_000;
  expect(micros).toBeLessThan(100);
});
