import { h2load } from '../load/h2load.ts';
import { configMap, ensureNamespace, JSON_BODY, NAMESPACE, pod } from './fixtures.ts';
import type { Workload } from './workload.ts';

interface Creation {
  readonly resource: string;
  readonly what: string;
  readonly object: object;
  /** Requests in flight: over one connection, or over eight. */
  readonly inFlight: 1 | 64;
}

function create({ resource, what, object, inFlight }: Creation): Workload {
  return {
    name: `create-${resource.slice(0, -1)}-${inFlight}`,
    what: `POST of ${what}, ${inFlight} in flight`,
    goal: { lmdb: 2, etcd: 1.3 },
    prepare: ({ server }) => ensureNamespace(server),
    run: async ({ server, sizes }) => {
      const { rate, answers, latency } = await h2load({
        target: server,
        paths: [`/api/v1/namespaces/${NAMESPACE}/${resource}`],
        headers: JSON_BODY,
        body: JSON.stringify(object),
        connections: inFlight === 1 ? 1 : 8,
        streams: inFlight === 1 ? 1 : 8,
        count: inFlight === 1 ? sizes.writes / 5 : sizes.writes,
      });
      return [
        { name: '', value: rate, unit: '/s', answers },
        { name: 'p50', value: latency.p50, unit: 'ms' },
        { name: 'p99', value: latency.p99, unit: 'ms' },
      ];
    },
  };
}

const maps = {
  resource: 'configmaps',
  what: 'a config map of 0.6 KB',
  object: configMap({ generateName: 'created-' }, 'first'),
};
const pods = { resource: 'pods', what: 'a pod of 4 KB', object: pod({ generateName: 'created-' }) };

export const creations: readonly Workload[] = [
  create({ ...maps, inFlight: 1 }),
  create({ ...maps, inFlight: 64 }),
  create({ ...pods, inFlight: 1 }),
  create({ ...pods, inFlight: 64 }),
];
