import type { ClusterRole } from '@keelson/api/generated/types/rbac/v1';
import { expect, test } from 'vitest';
import { aggregate } from './controller.ts';

const role = (name: string, part: string, ...resources: string[]): ClusterRole => ({
  metadata: { name, labels: { part } },
  rules: resources.map((each) => ({ verbs: ['get'], apiGroups: [''], resources: [each] })),
});

test('rules of the selected roles, in order of names, each once, without its own', () => {
  const view: ClusterRole = {
    ...role('view', 'view', 'nodes'),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: 'view' } }, { matchLabels: { part: 'more' } }] },
  };
  const others = [
    role('b', 'view', 'pods', 'services'),
    role('c', 'other', 'secrets'),
    role('a', 'view', 'pods'),
    role('d', 'more', 'events'),
  ];
  expect(aggregate(view, [view, ...others]).map(({ resources }) => resources?.[0])).toEqual([
    'pods',
    'services',
    'events',
  ]);
});
