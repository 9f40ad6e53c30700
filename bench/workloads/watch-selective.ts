import { run } from '../load/job.ts';
import { configMap, ensureNamespace, JSON_BODY } from './fixtures.ts';
import type { Workload } from './workload.ts';

const WATCHERS = 200;
let namespaces = 0;

/** What watches cost that select nothing of what is written: the writes' rate shows it. */
export const watchSelective: Workload = {
  name: 'watch-selective',
  what: `creations seen by none of ${WATCHERS} watchers, whose label selectors do not match, 64 in flight`,
  goal: { lmdb: 2, etcd: 1.3 },
  run: async ({ server, sizes }) => {
    const namespace = `selective-${namespaces++}`;
    await ensureNamespace(server, namespace);
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const { seconds, count, latency } = await run({
      kind: 'watches',
      target: server,
      connections: WATCHERS,
      streams: 1,
      path: `${path}?watch=true&resourceVersion=0&labelSelector=kind%3Drare`,
      write: {
        method: 'POST',
        path,
        headers: JSON_BODY,
        body: JSON.stringify(configMap({ generateName: 'event-', labels: { kind: 'common' } }, '#{i}#')),
      },
      writes: sizes.writes,
      writers: 64,
      expected: 0,
    });
    return [
      { name: '', value: (count || sizes.writes) / seconds, unit: '/s' },
      { name: 'p99', value: latency.p99, unit: 'ms' },
    ];
  },
};
