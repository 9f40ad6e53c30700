import { h2load } from '../load/h2load.ts';
import { ensureConfigMaps, NAMESPACE } from './fixtures.ts';
import type { Workload } from './workload.ts';

const OBJECTS = 1000;
const paths = Array.from({ length: OBJECTS }, (_, i) => `/api/v1/namespaces/${NAMESPACE}/configmaps/config-${i}`);

export const get: Workload = {
  name: 'get',
  what: 'GET of config maps of 0.9 KB, 8 connections × 8 streams',
  goal: { lmdb: 3, etcd: 3 },
  prepare: ({ server, sizes }) => ensureConfigMaps(server, sizes.writes),
  run: async ({ server, sizes }) => {
    const { rate, answers, latency } = await h2load({
      target: server,
      paths,
      connections: 8,
      streams: 8,
      seconds: sizes.seconds,
    });
    return [
      { name: '', value: rate, unit: '/s', answers },
      { name: 'p50', value: latency.p50, unit: 'ms' },
      { name: 'p99', value: latency.p99, unit: 'ms' },
    ];
  },
};
