import { silentLogger } from '@keelson/component/logs/logger';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, it } from 'vitest';
import { BackendPool } from '../connect/backend.ts';
import type { RequestContext } from '../context.ts';
import { parseRequestInfo } from '../requestinfo.ts';
import type { PeerAddress } from './addresses.ts';
import { PeerMetrics } from './metrics.ts';
import { type RerouteOptions, reroute } from './reroute.ts';

const NOWHERE = 'Error getting ip and port info of the remote server while proxying';
const DOWN = 'error trying to reach service: dial tcp 127.0.0.1:1: connect: connection refused\n';
const at = (port: number): PeerAddress => ({ host: '127.0.0.1', port });

interface Case {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  /** By identity, peers that serve jobs. */
  readonly peers?: Record<string, PeerAddress | undefined>;
  readonly options?: Partial<RerouteOptions>;
}

/** @returns what becomes of a request, and what is counted of it */
async function become({ path = '/apis/batch/v1/jobs', headers = {}, peers = {}, options }: Case): Promise<string[]> {
  let told = 'here';
  const exchange = {
    method: 'GET',
    url: path,
    headers,
    rawHeaders: Object.entries(headers).flat(),
    status: 0,
    onClose: () => {},
    respond: (status: number, _headers: object, body: string) => {
      exchange.status = status;
      told = `${status} ${body}`;
    },
  };
  const user = { name: 'jane', uid: '', groups: [], extra: {} };
  const info = parseRequestInfo('GET', path);
  const ctx = { exchange, info, user, auditId: 'id', warnings: [] } as object as RequestContext;
  const registry = new MetricsRegistry();
  const filter = reroute({
    addresses: { of: async (identity) => peers[identity] },
    catalogue: { whoServes: ({ resource }) => (resource === 'jobs' ? Object.keys(peers) : []) },
    isServedHere: () => false,
    isReady: () => true,
    forwarding: { pool: new BackendPool(), requestHeader: undefined, register: () => () => {} },
    tls: () => ({}),
    metrics: new PeerMetrics(registry),
    random: () => 0,
    logger: silentLogger,
    ...options,
  });
  await filter(ctx, async () => {}).catch((error: Error) => {
    told = `thrown ${error.message}`;
  });
  const counted = (await registry.text()).split('\n').filter((line) => /^apiserver_.* 1$/.test(line));
  return [told, ...counted];
}

const jobs = 'group="batch",resource="jobs"';
const unresolved = `apiserver_peer_proxy_errors_total{${jobs},type="endpoint_resolution",version="v1"} 1`;
const failed = `apiserver_rerouted_request_total{code="503",${jobs},version="v1"} 1`;

it.each<[string, Case, string[]]>([
  ['for no resource', { path: '/apis/batch/v1', peers: { a: at(1) } }, ['here']],
  ['for what is served here', { peers: { a: at(1) }, options: { isServedHere: () => true } }, ['here']],
  ['for what nobody serves', { path: '/apis/batch/v1/others', peers: { a: at(1) } }, ['here']],
  ['from a peer', { headers: { 'x-kubernetes-peer-proxied': 'true' }, peers: { a: at(1) } }, ['here']],
  ['before it is known who the peers are', { peers: { a: at(1) }, options: { isReady: () => false } }, ['here']],
  ['for a peer that is down', { peers: { a: at(1) } }, [`503 ${DOWN}`, failed]],
  ['for a peer that is gone', { peers: { a: undefined } }, [`thrown ${NOWHERE}`, unresolved]],
  ['for one of several peers, of which some are gone', { peers: { a: undefined, b: at(1) } }, [`503 ${DOWN}`, failed]],
])('a request %s', async (_what, request, expected) => expect(await become(request)).toEqual(expected));
