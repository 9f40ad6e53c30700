import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@keelson/api/clock';
import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import { silentLogger } from '@keelson/component/logs/logger';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { trusting } from '@keelson/component/trust';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { BackendPool } from '../connect/backend.ts';
import { selfSigned } from '../http/testing.ts';
import type { PeerAddress } from './addresses.ts';
import { Catalogue } from './catalogue.ts';
import { PeerMetrics } from './metrics.ts';

const serving = await selfSigned('kubernetes.default.svc');
const FORM = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

interface Peer {
  readonly server: Server;
  readonly asked: IncomingMessage[];
  /** What it serves below a path; undefined: 500. */
  groups: Record<string, Record<string, string[]> | undefined>;
}
let peers: Peer[];
let known: Map<string, PeerAddress>;
let own: Set<string>;
let registry: MetricsRegistry;
let pool: BackendPool;
let catalogue: Catalogue;
const onChange = vi.fn();

beforeEach(() => {
  peers = [];
  known = new Map();
  own = new Set();
  registry = new MetricsRegistry();
  pool = new BackendPool();
  catalogue = new Catalogue({
    addresses: { of: async (identity) => known.get(identity) },
    pool,
    tls: () => ({ servername: 'kubernetes.default.svc', ...trusting(serving.cert) }),
    own: { all: () => own },
    metrics: new PeerMetrics(registry),
    onChange,
    clock: systemClock,
    logger: silentLogger,
  });
  catalogue.start();
});
afterEach(async () => {
  pool.close();
  await catalogue.stop();
  for (const { server } of peers) {
    server.close();
    server.closeAllConnections();
  }
});

async function peer(identity: string, groups: Record<string, string[]>): Promise<Peer> {
  const asked: IncomingMessage[] = [];
  const all: Peer['groups'] = { '/api': { '': ['pods'] }, '/apis': groups };
  const server = createServer(serving, (request, response) => {
    asked.push(request);
    const served = made.groups[request.url!];
    if (!served) return void response.writeHead(500).end();
    const items = Object.entries(served).map(([name, resources]) => ({
      metadata: name === '' ? {} : { name },
      versions: [{ version: 'v1', resources: resources.map((resource) => ({ resource })) }],
    }));
    response.writeHead(200, { 'content-type': FORM }).end(JSON.stringify({ items }));
  });
  const made: Peer = { server, asked, groups: all };
  peers.push(made);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  known.set(identity, { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  return made;
}

const lease = (name: string, holderIdentity = name) => ({ metadata: { name }, spec: { holderIdentity } }) as Lease;
const serversOf = (group: string, resource: string) => catalogue.whoServes({ group, version: 'v1', resource });
const listed = () =>
  [...catalogue.groups()].map(([identity, groups]) => `${identity}: ${groups.map((g) => g.metadata.name).join(' ')}`);
const soon = { timeout: 20_000, interval: 10 };

it('knows what peers serve, without what is no affair of theirs', async () => {
  own.add('example.com/v1');
  await peer('a', { batch: ['jobs'], 'example.com': ['things'] });
  await peer('b', { batch: ['jobs', 'cronjobs'] });
  catalogue.set(lease('a'));
  catalogue.set(lease('b'));
  await vi.waitFor(() => expect(serversOf('batch', 'jobs')).toEqual(['a', 'b']), soon);
  expect([serversOf('batch', 'cronjobs'), serversOf('', 'pods'), serversOf('example.com', 'things')]).toEqual([
    ['b'],
    ['a', 'b'],
    [],
  ]);
  expect(listed()).toEqual(['a: batch', 'b: batch']);
  own.clear();
  catalogue.invalidate();
  expect(listed()).toEqual(['a: batch example.com', 'b: batch']);
});

it('asks as the API server, for what the peer itself serves, in a way that is not passed on', async () => {
  const { asked } = await peer('a', { batch: ['jobs'] });
  catalogue.set(lease('a'));
  await vi.waitFor(() => expect(asked.length).toBe(2), soon);
  expect(asked.map(({ url }) => url)).toEqual(['/api', '/apis']);
  expect(asked[0]!.headers).toMatchObject({
    accept: `${FORM};profile=nopeer,${FORM},application/json`,
    'x-remote-user': 'system:apiserver',
    'x-remote-group': 'system:authenticated',
    'x-kubernetes-peer-proxied': 'true',
  });
  await vi.waitFor(async () => {
    const text = await registry.text();
    expect(text).toContain('apiserver_rerouted_request_total{code="200",group="",resource="",version=""} 2');
  }, soon);
});

it('asks again when somebody else holds the lease, and forgets who has none', async () => {
  const { asked, groups } = await peer('a', { batch: ['jobs'] });
  catalogue.set(lease('a', 'first'));
  await vi.waitFor(() => expect(serversOf('batch', 'jobs')).toEqual(['a']), soon);
  groups['/apis'] = { policy: ['budgets'] };
  catalogue.set(lease('a', 'first'));
  catalogue.set(lease('a', 'second'));
  await vi.waitFor(() => expect(serversOf('policy', 'budgets')).toEqual(['a']), soon);
  expect([serversOf('batch', 'jobs'), asked.length]).toEqual([[], 4]);
  catalogue.delete('a');
  await vi.waitFor(() => expect(listed()).toEqual([]), soon);
});

it('tries again with peers whose address is not known yet, or that do not answer', async () => {
  const { groups } = await peer('a', { batch: ['jobs'] });
  const address = known.get('a')!;
  known.delete('a');
  groups['/apis'] = undefined;
  catalogue.set(lease('a'));
  const errors = (type: string) => `apiserver_peer_discovery_sync_errors_total{type="${type}"}`;
  await vi.waitFor(async () => expect(await registry.text()).toContain(errors('hostport_resolution')), soon);
  known.set('a', address);
  await vi.waitFor(async () => expect(await registry.text()).toContain(errors('fetch_discovery')), soon);
  expect([serversOf('', 'pods'), serversOf('batch', 'jobs')]).toEqual([['a'], []]);
  groups['/apis'] = { batch: ['jobs'] };
  await vi.waitFor(() => expect(serversOf('batch', 'jobs')).toEqual(['a']), soon);
});
