import { silentLogger } from '@keelson/component/logs/logger';
import { openMemoryStore } from '@keelson/storage/memory/open';
import { expect, it } from 'vitest';
import { enabledGroups } from '../discovery/runtime-config.ts';
import { builtinRegistrations } from '../registry/index.ts';
import { Resources } from '../resources.ts';
import { objectShape } from './shapes.ts';

const resources = new Resources(
  { store: openMemoryStore(), now: () => new Date(0), uuid: () => 'uid', random: () => 0, logger: silentLogger },
  enabledGroups(),
  builtinRegistrations({
    eventTtlSeconds: 1,
    services: { clusterIPRanges: ['10.0.0.0/24'] } as never,
    namespaceLabels: () => undefined,
    pods: { allowPrivileged: true },
  }),
);

const template = { metadata: {}, spec: { containers: null } };

it.each([
  ['configmaps', '', {}, {}],
  ['deployments', 'apps', {}, { spec: { replicas: 0, selector: null, strategy: {}, template }, status: {} }],
  ['replicasets', 'apps', {}, { spec: { replicas: 0, selector: null }, status: { replicas: 0 } }],
  ['statefulsets', 'apps', {}, { spec: { replicas: 0 } }],
  ['daemonsets', 'apps', { 'deprecated.daemonset.template.generation': '0' }, {}],
  ['replicationcontrollers', '', {}, { spec: {} }],
])('a bookmark of %s says what their internal type says though it is empty', (resource, group, annotations, rest) => {
  const served = [...resources.all()].find((r) => r.definition.resource === resource && r.definition.group === group)!;
  const { kind } = served.definition;
  const bookmark = objectShape(served).bookmark(7, true, false);
  expect(bookmark).toMatchObject({
    kind,
    metadata: { resourceVersion: '7', annotations: { 'k8s.io/initial-events-end': 'true', ...annotations } },
    ...rest,
  });
  expect(bookmark).not.toHaveProperty('metadata.creationTimestamp');
});
