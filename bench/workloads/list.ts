import type { Target } from '../load/connection.ts';
import { h2load } from '../load/h2load.ts';
import { ask } from '../servers/server.ts';
import { ensurePods, send } from './fixtures.ts';
import type { Workload } from './workload.ts';

interface Listing {
  readonly name: string;
  readonly what: string;
  readonly goal: number;
  readonly query?: string;
  readonly accept?: string;
  readonly connections?: number;
  /** On each connection. */
  readonly streams?: number;
  readonly paths?: (target: Target) => Promise<readonly string[]>;
}

/** A list is as long as it says, whatever other workloads have made on the server. */
const NAMESPACE = 'listed';
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

function list({ name, what, goal, query = '', accept, connections = 2, streams = 1, paths }: Listing): Workload {
  return {
    name: `list-${name}`,
    what: `LIST of all pods${what}, ${connections} connections${streams > 1 ? ` × ${streams} streams` : ''}`,
    goal: { lmdb: goal, etcd: goal },
    prepare: ({ server, sizes }) => ensurePods(server, sizes.pods, NAMESPACE),
    run: async ({ server, sizes }) => {
      const { rate, answers, latency, bytesPerSecond } = await h2load({
        target: server,
        paths: paths ? await paths(server) : [PODS + query],
        ...(accept ? { headers: { accept } } : {}),
        connections,
        streams,
        seconds: sizes.seconds,
      });
      return [
        { name: '', value: rate, unit: '/s', answers },
        { name: 'p99', value: latency.p99, unit: 'ms' },
        { name: 'bytes', value: bytesPerSecond / 1e6, unit: 'MB/s' },
      ];
    },
  };
}

const PAGE = 500;

/** Follows the continue tokens once: the pages that h2load then asks for. */
async function pagesOf(target: Target): Promise<readonly string[]> {
  const pages = [`${PODS}?limit=${PAGE}`];
  for (;;) {
    const { body } = await ask(target, pages.at(-1)!);
    const token = (JSON.parse(body) as { metadata: { continue?: string } }).metadata.continue;
    if (!token) return pages;
    pages.push(`${PODS}?limit=${PAGE}&continue=${encodeURIComponent(token)}`);
  }
}

/** The pages behind the first of a state that is no more: something has changed since. */
async function pagesOfThePast(target: Target): Promise<readonly string[]> {
  const [, ...further] = await pagesOf(target);
  const annotations = { changed: String(performance.now()) };
  const change = {
    method: 'PATCH',
    path: `${PODS}/pod-1`,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ metadata: { annotations } }),
  };
  await send(target, [change], 1);
  return further;
}

const META = 'g=meta.k8s.io;v=v1';

export const lists: readonly Workload[] = [
  list({ name: 'whole', what: '', goal: 6 }),
  list({ name: 'pages', what: ` by pages of ${PAGE}`, goal: 5, connections: 8, paths: pagesOf }),
  list({
    name: 'pages-past',
    what: ` by pages of ${PAGE}, of a state that is no more`,
    goal: 5,
    connections: 8,
    paths: pagesOfThePast,
  }),
  list({
    name: 'label-few',
    what: ' by a label that one in a thousand has',
    goal: 20,
    query: '?labelSelector=kind%3Drare',
    connections: 8,
    streams: 8,
  }),
  list({
    name: 'label-none',
    what: ' by a label that none has',
    goal: 20,
    query: '?labelSelector=kind%3Dnone',
    connections: 8,
    streams: 8,
  }),
  list({
    name: 'field',
    what: ' of a node that has one in a thousand',
    goal: 20,
    query: '?fieldSelector=spec.nodeName%3Dnode-rare',
    connections: 8,
    streams: 8,
  }),
  // kube-apiserver has an index of nodes, and none of this.
  list({
    name: 'field-plain',
    what: ' of a scheduler that has one in a thousand',
    goal: 20,
    query: '?fieldSelector=spec.schedulerName%3Drare',
    connections: 8,
    streams: 8,
  }),
  list({ name: 'table', what: ' as Table', goal: 1, accept: `application/json;as=Table;${META}` }),
  list({
    name: 'metadata',
    what: ', metadata only',
    goal: 1,
    accept: `application/json;as=PartialObjectMetadataList;${META}`,
  }),
  list({ name: 'protobuf', what: ' in protobuf', goal: 1, accept: 'application/vnd.kubernetes.protobuf' }),
];
