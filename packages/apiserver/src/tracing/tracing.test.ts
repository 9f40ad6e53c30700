import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@keelson/component/logs/logger';
import { targetOf, validateTracing } from '@keelson/component/tracing/configuration';
import { type SeenSpan, startCollector, type TestCollector } from '@keelson/component/tracing/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RequestContext } from '../context.ts';
import { EgressSelector } from '../egress/index.ts';
import { startConnectProxy } from '../egress/testing.ts';
import { nameOf, tracing as tracingFilter } from '../filters/tracing.ts';
import { parseRequestInfo } from '../requestinfo.ts';
import { tracedCalls } from './calls.ts';
import { readTracingConfiguration } from './configuration.ts';
import { serverOf, type TraceHeaders, type Tracing } from './index.ts';
import { startTracing } from './start.ts';

const HEAD = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'TracingConfiguration' };
const THEIRS = '0af7651916cd43dd8448eb211c80319c';
const sampled = { traceparent: `00-${THEIRS}-b7ad6b7169203331-01` };
let root: string;
let collector: TestCollector;
const endings: (() => unknown)[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kt-'));
  collector = await startCollector(join(root, 'c.sock'));
  endings.push(
    () => rm(root, { recursive: true }),
    () => collector.stop(),
  );
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function configured(fields: object): Promise<string> {
  const path = join(root, 'tracing.yaml');
  await writeFile(path, JSON.stringify({ ...HEAD, ...fields }));
  return path;
}
const toCollector = () => ({ endpoint: `unix://${join(root, 'c.sock')}` });

/** A request through the filter, and what it sets going. @returns what was sent */
async function traced(
  tracing: Tracing,
  headers: Record<string, string>,
  { groups = ['system:masters'], status = 200, run = async () => {} }: Partial<Going> = {},
): Promise<readonly SeenSpan[]> {
  const closing: (() => void)[] = [];
  const exchange = {
    method: 'GET',
    url: '/api/v1/namespaces/ns/pods/p?x=y',
    headers: { host: 'server:6443', ...headers },
    httpVersion: '1.1',
    remoteAddress: '10.0.0.1',
    status,
    bytesSent: 7,
    onClose: (callback: () => void) => closing.push(callback),
  };
  const info = parseRequestInfo(exchange.method, exchange.url);
  const ctx = { exchange, info, receivedAt: new Date(), auditId: 'id', user: { groups } };
  await tracingFilter(tracing)(ctx as object as RequestContext, run);
  for (const close of closing) close();
  await tracing.close();
  return collector.spans;
}
interface Going {
  readonly groups: string[];
  readonly status: number;
  run(): Promise<void>;
}

describe('a configuration', () => {
  test.each([
    [{ samplingRatePerMillion: -1 }, 'samplingRatePerMillion: Invalid value: -1: sampling rate must be positive'],
    [
      { samplingRatePerMillion: 1_000_001 },
      'samplingRatePerMillion: Invalid value: 1000001: sampling rate per million must be less than or equal to one million',
    ],
    [
      { endpoint: 'http://x:1' },
      'endpoint: Invalid value: "http://x:1": unsupported scheme: http.  Options are none, dns, unix, or unix-abstract.  See https://github.com/grpc/grpc/blob/master/doc/naming.md',
    ],
  ])('%j is refused', async (fields, message) => {
    const start = startTracing(await configured(fields), silentLogger, undefined);
    await expect(start).rejects.toThrow(`failed to validate tracing configuration: ${message}`);
  });

  test('that is not there or not understood is refused', async () => {
    await expect(startTracing('/nope', silentLogger, undefined)).rejects.toThrow(
      'failed to read tracing config: unable to read tracing configuration from "/nope": open /nope: no such file or directory',
    );
    const unknown = startTracing(await configured({ rate: 1 }), silentLogger, undefined);
    await expect(unknown).rejects.toThrow(
      'failed to read tracing config: unable to decode tracing configuration data: strict decoding error: unknown field "rate"',
    );
  });

  test.each([
    ['localhost:4317', 'dns:localhost:4317'],
    ['dns:///c.example:4317', 'dns:///c.example:4317'],
    ['unix:///run/c.sock', 'unix:///run/c.sock'],
    ['unix-abstract:c', 'unix:\0c'],
  ])('may name %s', (endpoint, target) => {
    expect([...validateTracing({ endpoint: endpoint.replace('t:c', 't://c'), samplingRatePerMillion: 0 })]).toEqual([]);
    expect(targetOf(endpoint)).toBe(target);
  });

  test('names the usual collector where it says nothing', () => {
    expect(readTracingConfiguration(JSON.stringify(HEAD))).toEqual({
      endpoint: 'localhost:4317',
      samplingRatePerMillion: 0,
    });
  });
});

test.each([
  ['/version', 'GET'],
  ['/api/v1/pods', 'GET /api/v1/pods'],
  [
    '/apis/apps/v1/namespaces/a/deployments/b/scale',
    'GET /apis/apps/v1/namespaces/{:namespace}/deployments/{:name}/scale',
  ],
])('%s is called %s', (path, name) => {
  expect(nameOf('GET', parseRequestInfo('GET', path))).toBe(name);
});

test('a request, what it is part of, and what it sets going', async () => {
  const tracing = await startTracing(await configured(toCollector()), silentLogger, undefined);
  const sent: TraceHeaders[] = [];
  const around = tracedCalls(tracing);
  const [request, within, call] = await traced(tracing, sampled, {
    run: async () => {
      await tracing.within('Call validating webhook', { webhook: 'w' }, () =>
        around('etcdserverpb.KV/Range', 'https://10.0.0.9:2379', async (headers) => void sent.push(headers)),
      );
    },
  }).then((spans) => ['GET', 'Call', 'etcd'].map((prefix) => spans.find(({ name }) => name.startsWith(prefix))!));
  expect(request).toMatchObject({
    name: 'GET /api/v1/namespaces/{:namespace}/pods/{:name}',
    kind: 2,
    traceId: THEIRS,
    parent: 'b7ad6b7169203331',
    links: [],
    status: 0,
    attributes: {
      'server.address': 'server',
      'server.port': 6443,
      'http.request.method': 'GET',
      'url.scheme': 'https',
      'network.peer.address': '10.0.0.1',
      'client.address': '10.0.0.1',
      'url.path': '/api/v1/namespaces/ns/pods/p',
      'network.protocol.version': '1.1',
      'http.target': '/api/v1/namespaces/ns/pods/p?x=y',
      'audit-id': 'id',
      'http.response.body.size': 7,
      'http.response.status_code': 200,
    },
  });
  expect(within).toMatchObject({ kind: 1, parent: request!.spanId, attributes: { webhook: 'w' } });
  expect(call).toMatchObject({
    name: 'etcdserverpb.KV/Range',
    kind: 3,
    parent: within!.spanId,
    attributes: {
      'rpc.method': 'etcdserverpb.KV/Range',
      'rpc.system.name': 'grpc',
      'server.address': '10.0.0.9',
      'server.port': 2379,
      'rpc.response.status_code': 'OK',
    },
  });
  expect(sent).toEqual([{ traceparent: `00-${THEIRS}-${call!.spanId}-01` }]);
  expect(collector.resource).toMatchObject({
    'service.name': 'apiserver',
    'service.instance.id': expect.stringMatching(/^apiserver-\w+$/),
  });
});

test.each([
  ['server:6443', 'server', 6443],
  ['[fd00::1]:2379', 'fd00::1', 2379],
  ['server', 'server', undefined],
  ['', '', undefined],
])('who is spoken to at "%s"', (authority, address, port) => {
  expect(serverOf(authority)).toEqual({ 'server.address': address, 'server.port': port });
});

test.each<[string, number, Record<string, string>, number]>([
  ['no rate', 0, {}, 0],
  ['no rate, a client who wants it', 0, sampled, 1],
  ['all, a client who does not', 1_000_000, { traceparent: `00-${THEIRS}-b7ad6b7169203331-00` }, 0],
  ['all', 1_000_000, {}, 1],
])('%s', async (_, samplingRatePerMillion, headers, count) => {
  const path = await configured({ ...toCollector(), samplingRatePerMillion });
  const spans = await traced(await startTracing(path, silentLogger, undefined), headers);
  expect(spans).toHaveLength(count);
});

test('whoever is not trusted gets a trace of its own, which leads to theirs', async () => {
  const path = await configured({ ...toCollector(), samplingRatePerMillion: 1_000_000 });
  const tracing = await startTracing(path, silentLogger, undefined);
  const [span] = await traced(tracing, sampled, { groups: ['system:authenticated'], status: 500 });
  expect(span).toMatchObject({ parent: '', links: [THEIRS], status: 2 });
  expect(span!.traceId).not.toBe(THEIRS);
});

test('what a request has started and left behind is no part of it', async () => {
  const path = await configured({ ...toCollector(), samplingRatePerMillion: 1_000_000 });
  const tracing = await startTracing(path, silentLogger, undefined);
  const { promise: over, resolve } = Promise.withResolvers<void>();
  let left: Promise<unknown> | undefined;
  const leave = async () => {
    left = over.then(() => tracing.within('inner', {}, () => tracing.call('later', {}, async () => {})));
  };
  await tracing.call('call', {}, leave);
  resolve();
  await left;
  await tracing.close();
  expect(collector.spans.map(({ name, parent }) => [name, parent])).toEqual([
    ['call', ''],
    ['later', ''],
  ]);
});

test('what fails is told of, and thrown on', async () => {
  const path = await configured({ ...toCollector(), samplingRatePerMillion: 1_000_000 });
  const tracing = await startTracing(path, silentLogger, undefined);
  const failing = tracing.call('HTTP POST', {}, () => Promise.reject(new Error('broken')));
  await expect(failing).rejects.toThrow('broken');
  await tracing.close();
  expect(collector.spans).toMatchObject([{ name: 'HTTP POST', status: 2, parent: '' }]);
});

test('the collector is reached through the egress selector', async () => {
  const proxy = await startConnectProxy({ path: join(root, 'p.sock') });
  endings.push(() => proxy.close());
  const selection = {
    name: 'controlplane',
    connection: { proxyProtocol: 'HTTPConnect', transport: { uds: { udsName: join(root, 'p.sock') } } },
  };
  const head = { apiVersion: 'apiserver.k8s.io/v1beta1', kind: 'EgressSelectorConfiguration' };
  await writeFile(join(root, 'egress.yaml'), JSON.stringify({ ...head, egressSelections: [selection] }));
  const dial = EgressSelector.open(join(root, 'egress.yaml'), () => 0).dialer('controlplane');
  const path = await configured({ endpoint: '127.0.0.1:1', samplingRatePerMillion: 1_000_000 });
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) };
  const tracing = await startTracing(path, logger, dial);
  await tracing.call('HTTP POST', {}, async () => {});
  await tracing.close();
  expect(new Set(proxy.targets)).toEqual(new Set(['127.0.0.1:1']));
  expect(warnings).toEqual(['traces were not sent']);
});
