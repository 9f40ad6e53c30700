import type { InformerJob } from '../load/job.ts';
import { run } from '../load/job.ts';
import { ensureConfigMaps } from './fixtures.ts';
import type { Workload } from './workload.ts';

const NAMESPACE = 'informers';
const OBJECTS = 1000;
const path = `/api/v1/namespaces/${NAMESPACE}/configmaps`;

type Way = Pick<InformerJob, 'accept' | 'streams'>;

function informersBy(name: string, what: string, way: Way): Workload {
  return {
    name,
    what: `500 informers at once: connect, ${what} ${OBJECTS} config maps of 0.9 KB`,
    goal: { lmdb: 3, etcd: 3 },
    prepare: ({ server }) => ensureConfigMaps(server, OBJECTS, NAMESPACE),
    run: async ({ server, sizes }) => {
      const clients = sizes.seconds < 3 ? 100 : 500;
      const { seconds, latency } = await run({ kind: 'informers', target: server, clients, path, ...way });
      return [
        { name: 'all', value: seconds * 1000, unit: 'ms' },
        { name: 'p50', value: latency.p50, unit: 'ms' },
      ];
    },
  };
}

export const informers: readonly Workload[] = [
  informersBy('informers', 'list and watch', {}),
  informersBy('informers-streamed', 'watch from the state on, in protobuf,', {
    streams: true,
    accept: 'application/vnd.kubernetes.protobuf;stream=watch',
  }),
];
