import { describe, expect, it } from 'vitest';
import { internalList, internalValue } from './internal.ts';

describe('internalValue', () => {
  it.each([
    [
      'io.k8s.api.rbac.v1.RoleRef',
      { kind: 'Role', name: 'y', apiGroup: 'rbac.authorization.k8s.io' },
      '{"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"y"}',
    ],
    [
      'io.k8s.api.core.v1.ScopeSelector',
      { matchExpressions: [{ scopeName: 'X', operator: '' }] },
      '{"MatchExpressions":[{"ScopeName":"X","Operator":"","Values":null}]}',
    ],
    [
      'io.k8s.api.core.v1.Toleration',
      { key: '<' },
      '{"Key":"\\u003c","Operator":"","Value":"","Effect":"","TolerationSeconds":null}',
    ],
    ['io.k8s.api.rbac.v1.RoleRef', undefined, 'null'],
    [
      'io.k8s.api.apps.v1.DeploymentStrategy',
      { type: 'x', rollingUpdate: { maxSurge: '50%' } },
      '{"Type":"x","RollingUpdate":{"MaxUnavailable":0,"MaxSurge":"50%"}}',
    ],
    [
      'io.k8s.api.apps.v1.StatefulSetUpdateStrategy',
      { type: 'x', rollingUpdate: {} },
      '{"Type":"x","RollingUpdate":{"Partition":0,"MaxUnavailable":null}}',
    ],
    ['io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector', { matchLabels: { a: 'b' } }, '{"matchLabels":{"a":"b"}}'],
  ])('%s %j', (type, value, expected) => expect(internalValue(type, value).text).toBe(expected));

  it('shows an absent list as null', () =>
    expect(internalList('io.k8s.api.rbac.v1.RoleRef', undefined).text).toBe('null'));
});
