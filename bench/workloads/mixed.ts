import { run, type Template } from '../load/job.ts';
import { configMap, ensureConfigMaps, ensurePods, JSON_BODY, NAMESPACE } from './fixtures.ts';
import type { Workload } from './workload.ts';

const path = (resource: string) => `/api/v1/namespaces/${NAMESPACE}/${resource}`;
const RATE = 1000;

const templates: readonly Template[] = [
  { method: 'GET', path: `${path('configmaps')}/config-{i}`, weight: 40 },
  { method: 'GET', path: `${path('pods')}/pod-{i}`, weight: 35 },
  { method: 'GET', path: `${path('pods')}?limit=50`, weight: 5 },
  {
    method: 'PUT',
    path: `${path('configmaps')}/config-{i}`,
    headers: JSON_BODY,
    body: JSON.stringify(configMap({ name: 'config-{i}' }, 'mixed-{n}')),
    weight: 8,
  },
  {
    method: 'PATCH',
    path: `${path('pods')}/pod-{i}`,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ metadata: { annotations: { mixed: '{n}' } } }),
    weight: 6,
  },
  {
    method: 'POST',
    path: path('configmaps'),
    headers: JSON_BODY,
    body: JSON.stringify(configMap({ generateName: 'mixed-' }, 'first')),
    weight: 6,
  },
];

export const mixed: Workload = {
  name: 'mixed',
  what: `80 % reads, 20 % writes, ${RATE} a second by the clock: how long they take`,
  goal: { lmdb: 1, etcd: 1 },
  once: true,
  prepare: async ({ server, sizes }) => {
    await ensureConfigMaps(server, sizes.writes);
    await ensurePods(server, sizes.pods);
  },
  run: async ({ server, sizes }) => {
    const { latency } = await run({
      kind: 'requests',
      target: server,
      templates,
      count: RATE * sizes.mixedSeconds,
      below: Math.min(sizes.writes, sizes.pods),
      connections: 8,
      streams: 32,
      rate: RATE,
    });
    return [
      { name: 'p99', value: latency.p99, unit: 'ms' },
      { name: 'p50', value: latency.p50, unit: 'ms' },
      { name: 'longest', value: latency.max, unit: 'ms' },
    ];
  },
};
