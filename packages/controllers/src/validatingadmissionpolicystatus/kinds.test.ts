import type { Rule } from '@keelson/api/generated/types/admissionregistration/v1';
import { expect, test } from 'vitest';
import { kindsOf } from './kinds.ts';

const served = [
  ['', 'v1', 'events', 'Event'],
  ['', 'v1', 'pods', 'Pod'],
  ['events.k8s.io', 'v1', 'events', 'Event'],
  ['apps', 'v1', 'deployments', 'Deployment'],
  ...Array.from({ length: 12 }, (_, i) => ['many', 'v1', `r${String(i).padStart(2, '0')}`, `K${i}`]),
].map(([group = '', version = '', resource = '', kind = '']) => ({
  group,
  version,
  resource,
  kind,
  namespaced: true,
  verbs: [],
}));

const rule = (group: string, version: string, ...resources: string[]): Rule => ({
  apiGroups: [group],
  apiVersions: [version],
  resources,
});

test.each<[string, Rule[], string[], boolean]>([
  ['by group and version', [rule('apps', 'v1', 'deployments')], ['apps/v1 Deployment'], true],
  ['of the core group, and so of all', [rule('', 'v1', 'events')], ['/v1 Event', 'events.k8s.io/v1 Event'], true],
  [
    'in order, each once',
    [rule('apps', 'v1', 'deployments'), rule('', 'v1', 'pods'), rule('', 'v1', 'pods')],
    ['/v1 Pod', 'apps/v1 Deployment'],
    true,
  ],
  ['no wildcards of groups', [rule('*', 'v1', 'pods')], [], true],
  ['no wildcards of versions', [rule('', '*', 'pods')], [], true],
  ['neither wildcards nor subresources', [rule('', 'v1', '*', 'pods/*', 'pods/status', 'pods')], ['/v1 Pod'], true],
  ['some are not there', [rule('', 'v1', 'nosuch', 'pods')], ['/v1 Pod'], false],
  [
    'ten at most',
    [rule('many', 'v1', ...served.slice(4).map((r) => r.resource))],
    ['K0', 'K1', 'K2', 'K3', 'K4', 'K5', 'K6', 'K7', 'K8', 'K9'].map((kind) => `many/v1 ${kind}`),
    true,
  ],
])('%s', (_, resourceRules, expected, complete) => {
  const { kinds, isComplete } = kindsOf(
    { metadata: { name: 'p' }, spec: { matchConstraints: { resourceRules } }, status: {} },
    served,
  );
  expect(kinds.map(({ group, version, kind }) => `${group}/${version} ${kind}`)).toEqual(expected);
  expect(isComplete).toBe(complete);
});
