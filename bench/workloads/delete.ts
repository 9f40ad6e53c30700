import { run } from '../load/job.ts';
import { configMap, ensureNamespace, JSON_BODY, NAMESPACE, send } from './fixtures.ts';
import type { Workload } from './workload.ts';

const path = `/api/v1/namespaces/${NAMESPACE}/configmaps`;

export const remove: Workload = {
  name: 'delete',
  what: 'DELETE of config maps, 64 in flight',
  goal: { lmdb: 2, etcd: 1.3 },
  prepare: ({ server }) => ensureNamespace(server),
  run: async ({ server, sizes }) => {
    const body = JSON.stringify(configMap({ name: 'doomed-{i}' }, 'first'));
    await send(server, [{ method: 'POST', path, headers: JSON_BODY, body }], sizes.writes);
    const { seconds, count, latency } = await run({
      kind: 'requests',
      target: server,
      templates: [{ method: 'DELETE', path: `${path}/doomed-{i}` }],
      count: sizes.writes,
      connections: 8,
      streams: 8,
    });
    return [
      { name: '', value: count / seconds, unit: '/s' },
      { name: 'p50', value: latency.p50, unit: 'ms' },
      { name: 'p99', value: latency.p99, unit: 'ms' },
    ];
  },
};
