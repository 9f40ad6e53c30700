import type { ClusterRoleBinding, PolicyRule, RoleBinding, Subject } from '@keelson/api/generated/types/rbac/v1';
import { describe, expect, it } from 'vitest';
import { testContext, texts } from '../testing.ts';
import { registration as clusterRole } from './clusterrole/index.ts';
import { registration as clusterRoleBinding } from './clusterrolebinding/index.ts';
import { registration as role } from './role/index.ts';
import { registration as roleBinding } from './rolebinding/index.ts';

const ctx = testContext();
const GROUP = 'rbac.authorization.k8s.io';

describe('rules of roles', () => {
  it.each<[PolicyRule, string[]]>([
    [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }, []],
    [
      { verbs: [] },
      [
        'rules[0].verbs: Required value: verbs must contain at least one value',
        'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
        'rules[0].resources: Required value: resource rules must supply at least one resource',
      ],
    ],
    [
      { verbs: ['get'], nonResourceURLs: ['/a'], resources: ['pods'] },
      [
        'rules[0].nonResourceURLs: Invalid value: ["/a"]: namespaced rules cannot apply to non-resource URLs',
        'rules[0].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular resources and non-resource URLs',
      ],
    ],
  ])('%j', (rule, expected) =>
    expect(texts(role.strategy.validate?.(ctx, { metadata: {}, rules: [rule] }))).toEqual(expected),
  );

  it('of cluster roles may name URLs; an aggregation selects', () => {
    const rules = [{ verbs: ['get'], nonResourceURLs: ['/a'] }];
    expect(texts(clusterRole.strategy.validate?.(ctx, { metadata: {}, rules }))).toEqual([]);
    expect(texts(clusterRole.strategy.validate?.(ctx, { metadata: {}, rules: null, aggregationRule: {} }))).toEqual([
      'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
    ]);
    const bad = { clusterRoleSelectors: [{ matchExpressions: [{ key: 'a', operator: 'Bad' }] }] };
    expect(texts(clusterRole.strategy.validate?.(ctx, { metadata: {}, rules: null, aggregationRule: bad }))).toEqual([
      'aggregationRule.clusterRoleSelectors[0].matchExpressions[0].operator: Invalid value: "Bad": not a valid selector operator',
      'aggregationRule.clusterRoleSelectors[0]: Invalid value: null: invalid label selector.',
    ]);
  });
});

describe('bindings', () => {
  const bind = (subject: Subject): RoleBinding & ClusterRoleBinding => ({
    metadata: { name: 'a', resourceVersion: '1' },
    roleRef: { apiGroup: '', kind: 'ClusterRole', name: 'view' },
    subjects: [subject],
  });

  it('name the group of roles, users and groups by default', () => {
    const obj = bind({ kind: 'User', name: 'u' });
    roleBinding.strategy.defaults?.(obj, 'v1');
    expect(obj.roleRef.apiGroup).toBe(GROUP);
    expect(obj.subjects?.[0]?.apiGroup).toBe(GROUP);
  });

  it.each<[Subject, string[], string[]]>([
    [{ kind: 'User', name: 'u' }, [], []],
    [{ kind: 'ServiceAccount', name: 's' }, [], ['subjects[0].namespace: Required value']],
    [
      { kind: 'Robot', name: '' },
      [
        'subjects[0].name: Required value',
        'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
      ],
      [
        'subjects[0].name: Required value',
        'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
      ],
    ],
  ])('to %j', (subject, namespaced, clusterWide) => {
    const obj = bind(subject);
    roleBinding.strategy.defaults?.(obj, 'v1');
    expect(texts(roleBinding.strategy.validate?.(ctx, obj))).toEqual(namespaced);
    expect(texts(clusterRoleBinding.strategy.validate?.(ctx, obj))).toEqual(clusterWide);
  });

  it('keep their role', () => {
    const old = bind({ kind: 'User', name: 'u' });
    roleBinding.strategy.defaults?.(old, 'v1');
    const obj = { ...old, roleRef: { ...old.roleRef, name: 'edit' } };
    expect(texts(roleBinding.strategy.validateUpdate?.(ctx, obj, old))).toEqual([
      `roleRef: Invalid value: {"APIGroup":"${GROUP}","Kind":"ClusterRole","Name":"edit"}: cannot change roleRef`,
    ]);
  });

  it('show who is bound', () => {
    const obj = bind({ kind: 'ServiceAccount', name: 's', namespace: 'n' });
    expect(roleBinding.table?.row(obj).cells).toEqual(['a', 'ClusterRole/view', '<unknown>', '', '', 'n/s']);
  });
});
