import { run } from '../load/job.ts';
import { configMap, ensureNamespace, JSON_BODY } from './fixtures.ts';
import type { Session, Workload } from './workload.ts';

interface Fanout {
  readonly name: string;
  readonly what: string;
  readonly connections: number;
  readonly streams?: number;
  readonly writes: number;
  /** Writes in flight, … */
  readonly writers?: number;
  /** … or per second. */
  readonly rate?: number;
  readonly query?: string;
  readonly accept?: string;
  /** Whether watchers see all writes, or one in ten. */
  readonly selective?: boolean;
  readonly long?: boolean;
}

let namespaces = 0;

function fanout({
  name,
  what,
  connections,
  streams = 1,
  writes,
  writers = 4,
  rate,
  query = '',
  accept,
  selective,
  long,
}: Fanout): Workload {
  return {
    name: `watch-${name}`,
    what,
    goal: { lmdb: 3, etcd: 3 },
    ...(long ? { long } : {}),
    run: async ({ server, sizes }: Session) => {
      // Watches of another round must not see these writes.
      const namespace = `watch-${namespaces++}`;
      await ensureNamespace(server, namespace);
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const kind = selective ? 'rare' : 'common';
      const { seconds, count, latency, cpu } = await run({
        kind: 'watches',
        target: server,
        connections,
        streams,
        path: `${path}?watch=true&resourceVersion=0${query}`,
        ...(accept ? { accept } : {}),
        write: {
          method: 'POST',
          path,
          headers: JSON_BODY,
          body: JSON.stringify(configMap({ generateName: 'event-', labels: { kind } }, '#{i}#')),
        },
        writes: sizes.seconds < 3 ? Math.ceil(writes / 5) : writes,
        warmUp: Math.ceil(writes / 10),
        writers,
        ...(rate ? { rate } : {}),
        pids: server.processes.map(({ pid }) => pid!),
      });
      return [
        ...(rate ? [] : [{ name: '', value: count / seconds, unit: '/s' } as const]),
        { name: 'p99', value: latency.p99, unit: 'ms' },
        { name: 'p50', value: latency.p50, unit: 'ms' },
        ...(server.processes.length > 0
          ? [{ name: 'CPU of a delivery', value: (cpu!.server / count) * 1e6, unit: 'µs' } as const]
          : []),
        { name: 'of the load for it', value: (cpu!.load / count) * 1e6, unit: 'µs' },
      ];
    },
  };
}

export const watches: readonly Workload[] = [
  fanout({
    name: '200',
    what: '200 watchers on 200 connections × 500 events, written as fast as 4 writers can',
    connections: 200,
    writes: 500,
  }),
  fanout({
    name: '200-many',
    what: '200 watchers on 200 connections × 2,000 events, written as fast as 64 writers can',
    connections: 200,
    writes: 2000,
    writers: 64,
  }),
  fanout({
    name: '200-16',
    what: '200 watchers on 200 connections × 1,000 events, written as fast as 16 writers can',
    connections: 200,
    writes: 1000,
    writers: 16,
  }),
  fanout({
    name: '200-protobuf',
    what: '200 watchers on 200 connections × 500 events in protobuf, as the parts of a cluster ask for them, 4 writers',
    connections: 200,
    writes: 500,
    accept: 'application/vnd.kubernetes.protobuf;stream=watch',
  }),
  fanout({
    name: '200-paced',
    what: '200 watchers on 200 connections, 100 events a second: how late they come',
    connections: 200,
    writes: 1000,
    rate: 100,
  }),
  fanout({
    name: '1000-paced',
    what: '1,000 watchers on 1,000 connections, 20 events a second: how late they come',
    connections: 1000,
    writes: 200,
    rate: 20,
    long: true,
  }),
  fanout({
    name: '1000',
    what: '1,000 watchers on 1,000 connections × 100 events',
    connections: 1000,
    writes: 100,
    long: true,
  }),
  fanout({
    name: '10000',
    what: '10,000 watchers on 100 connections × 10 events',
    connections: 100,
    streams: 100,
    writes: 10,
    long: true,
  }),
];
