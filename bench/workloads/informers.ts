import { run } from '../load/job.ts';
import { configMap, ensureNamespace, JSON_BODY, send } from './fixtures.ts';
import type { Workload } from './workload.ts';

const NAMESPACE = 'informers';
const OBJECTS = 1000;
const path = `/api/v1/namespaces/${NAMESPACE}/configmaps`;

export const informers: Workload = {
  name: 'informers',
  what: `500 informers at once: connect, list ${OBJECTS} config maps of 0.9 KB, watch`,
  goal: { lmdb: 3, etcd: 3 },
  prepare: async ({ server }) => {
    await ensureNamespace(server, NAMESPACE);
    const body = JSON.stringify(configMap({ name: 'config-{i}' }, 'first'));
    await send(server, [{ method: 'POST', path, headers: JSON_BODY, body }], OBJECTS);
  },
  run: async ({ server, sizes }) => {
    const { seconds, latency } = await run({
      kind: 'informers',
      target: server,
      clients: sizes.seconds < 3 ? 100 : 500,
      path,
    });
    return [
      { name: 'all', value: seconds * 1000, unit: 'ms' },
      { name: 'p50', value: latency.p50, unit: 'ms' },
    ];
  },
};
