import { run, type Template } from '../load/job.ts';
import { configMap, ensureConfigMaps, ensurePods, JSON_BODY, NAMESPACE, pod } from './fixtures.ts';
import type { Sizes, Workload } from './workload.ts';

interface Pace {
  readonly name: string;
  readonly what: string;
  /** Requests a second. */
  readonly rate: number;
  readonly seconds: (sizes: Sizes) => number;
  /** @param round a number that no other round has */
  readonly templates: (round: number) => readonly Template[];
  readonly once?: boolean;
}

/** The same load for every server, by the clock: what counts is how long an answer takes. */
function paced({ name, what, rate, seconds, templates, once }: Pace): Workload {
  return {
    name,
    what: `${what}, ${rate.toLocaleString('en')} a second by the clock: how long they take`,
    goal: { lmdb: 1, etcd: 1 },
    ...(once ? { once } : {}),
    prepare: async ({ server, sizes }) => {
      await ensureConfigMaps(server, sizes.writes);
      await ensurePods(server, sizes.pods);
    },
    run: async ({ server, sizes, round }) => {
      const { latency } = await run({
        kind: 'requests',
        target: server,
        templates: templates(round),
        count: rate * seconds(sizes),
        below: Math.min(sizes.writes, sizes.pods),
        connections: 8,
        streams: 32,
        rate,
      });
      return [
        { name: 'p99', value: latency.p99, unit: 'ms' },
        { name: 'p50', value: latency.p50, unit: 'ms' },
        { name: 'longest', value: latency.max, unit: 'ms' },
      ];
    },
  };
}

const path = (resource: string) => `/api/v1/namespaces/${NAMESPACE}/${resource}`;
const get: Template = { method: 'GET', path: `${path('configmaps')}/config-{i}` };
const create = (resource: string, object: object): Template => ({
  method: 'POST',
  path: path(resource),
  headers: JSON_BODY,
  body: JSON.stringify(object),
});
/** @param value that the object does not have yet */
const put = (value: string): Template => ({
  method: 'PUT',
  path: `${path('configmaps')}/config-{i}`,
  headers: JSON_BODY,
  body: JSON.stringify(configMap({ name: 'config-{i}' }, value)),
});
const createMap = create('configmaps', configMap({ generateName: 'paced-' }, 'first'));

const someSeconds = ({ seconds }: Sizes) => seconds * 3;

export const pacedRequests: readonly Workload[] = [
  paced({ name: 'paced-get', what: 'GET of config maps', rate: 2000, seconds: someSeconds, templates: () => [get] }),
  paced({
    name: 'paced-create-configmap',
    what: 'POST of config maps',
    rate: 1000,
    seconds: someSeconds,
    templates: () => [createMap],
  }),
  paced({
    name: 'paced-create-pod',
    what: 'POST of pods of 4 KB',
    rate: 400,
    seconds: someSeconds,
    templates: () => [create('pods', pod({ generateName: 'paced-' }))],
  }),
  paced({
    name: 'paced-update',
    what: 'PUT of config maps',
    rate: 1000,
    seconds: someSeconds,
    templates: (round) => [put(`paced-${round}-{n}`)],
  }),
  paced({
    name: 'mixed',
    what: '80 % reads, 20 % writes',
    rate: 1000,
    seconds: ({ mixedSeconds }) => mixedSeconds,
    once: true,
    templates: () => [
      { ...get, weight: 40 },
      { method: 'GET', path: `${path('pods')}/pod-{i}`, weight: 35 },
      { method: 'GET', path: `${path('pods')}?limit=50`, weight: 5 },
      { ...put('mixed-{n}'), weight: 8 },
      {
        method: 'PATCH',
        path: `${path('pods')}/pod-{i}`,
        headers: { 'content-type': 'application/merge-patch+json' },
        body: JSON.stringify({ metadata: { annotations: { mixed: '{n}' } } }),
        weight: 6,
      },
      { ...createMap, weight: 6 },
    ],
  }),
];
