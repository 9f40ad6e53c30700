import { gzipSync } from 'node:zlib';
import { hasReason } from '@keelson/api/errors';
import { describe, expect, it } from 'vitest';
import { collect } from '../testing/collect.ts';
import { type Answer, FakeTransport } from '../testing/transport.ts';
import { type ManualWorld, manualWorld } from '../testing/world.ts';
import { Client, type ClientOptions } from './client.ts';
import { isExpired } from './errors.ts';
import { METADATA_ONLY } from './resource.ts';
import { Reloading } from './tls.ts';
import { ConnectionError, type WireRequest } from './transport.ts';

function clientOf(
  answer: (request: WireRequest, index: number) => Answer | Promise<Answer>,
  options: Partial<ClientOptions> = {},
  world: ManualWorld = manualWorld(),
) {
  const transport = new FakeTransport(answer);
  const client = new Client({ transport, component: 'test', world, ...options });
  return { client, transport, world, pods: client.resource('pods') };
}

const ok = () => ({ body: { metadata: { name: 'a' } } });
const key = { namespace: 'ns', name: 'a' };
const pod = { metadata: { namespace: 'ns', name: 'a' }, spec: { containers: [] }, status: {} };

describe('requests', () => {
  const { client, transport, pods } = clientOf(ok);
  const scale = { spec: { replicas: 2 }, metadata: {}, status: { replicas: 1 } };
  const deployments = client.resource('deployments.apps');
  const nodes = client.resource('nodes');
  const cases: [expected: string, call: () => Promise<unknown>, body?: unknown][] = [
    ['GET /api/v1/namespaces/ns/pods/a', () => pods.get(key)],
    ['GET /api/v1/namespaces/ns/pods/a%2Fb', () => pods.get({ namespace: 'ns', name: 'a/b' })],
    ['GET /api/v1/pods', () => pods.list()],
    [
      'GET /api/v1/namespaces/ns/pods?labelSelector=a%3Db%2Cc&limit=5',
      () => pods.list({ namespace: 'ns', labelSelector: 'a=b,c', limit: 5 }),
    ],
    [
      'POST /api/v1/namespaces/ns/pods?dryRun=All&fieldManager=m',
      () => pods.create(pod, { dryRun: ['All'], fieldManager: 'm' }),
      pod,
    ],
    ['PUT /api/v1/namespaces/ns/pods/a', () => pods.update(pod), pod],
    ['PUT /api/v1/namespaces/ns/pods/a/status', () => pods.updateStatus(pod), pod],
    ['PATCH /api/v1/nodes/n', () => nodes.patch({ name: 'n' }, 'merge', { a: 1 }), { a: 1 }],
    ['DELETE /api/v1/nodes/n', () => nodes.delete({ name: 'n' })],
    [
      'DELETE /api/v1/nodes/n',
      () => nodes.delete({ name: 'n' }, { propagationPolicy: 'Orphan' }),
      { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Orphan' },
    ],
    [
      'DELETE /api/v1/namespaces/ns/pods?labelSelector=a',
      () => pods.deleteCollection({ namespace: 'ns', labelSelector: 'a' }),
    ],
    [
      'PUT /apis/apps/v1/namespaces/ns/deployments/a/scale',
      () => deployments.subresource('scale').update(key, scale),
      scale,
    ],
    [
      'GET /apis/x.io/v1/widgets/w',
      () =>
        client.resource({ group: 'x.io', version: 'v1', resource: 'widgets', namespaced: false }).get({ name: 'w' }),
    ],
  ];
  it('asks for metadata of one as of one, of many as of a list', async () => {
    const metadata = client.metadata(pods.definition);
    await metadata.delete(key);
    await metadata.deleteCollection({ namespace: 'ns' });
    expect(transport.requests.slice(-2).map(({ headers }) => headers.accept)).toEqual([
      METADATA_ONLY.object,
      METADATA_ONLY.list,
    ]);
  });

  it.each(cases)('%s', async (expected, call, body) => {
    await call();
    const request = transport.requests.at(-1)!;
    expect(`${request.method} ${request.path}`).toBe(expected);
    expect(request.body && JSON.parse(Buffer.from(request.body).toString())).toEqual(body);
    expect(request.headers['user-agent']).toMatch(/^test\/v1\.36\.2 \(\w+\/\w+\) keelson$/);
  });

  it('apply says kind, version, media type and manager', async () => {
    await pods.apply(pod, 'me', { force: true });
    const { path, headers, body } = transport.requests.at(-1)!;
    expect(path).toBe('/api/v1/namespaces/ns/pods/a?force=true&fieldManager=me');
    expect(headers['content-type']).toBe('application/apply-patch+yaml');
    expect(JSON.parse(Buffer.from(body!).toString())).toMatchObject({ apiVersion: 'v1', kind: 'Pod' });
  });

  it('a namespace must be said where an object is meant', () => {
    expect(() => pods.get({ name: 'a' })).toThrow('pods are in namespaces');
    expect(() => pods.create({ ...pod, metadata: { name: 'a' } })).toThrow('pods are in namespaces');
  });

  it('credentials and impersonation are headers', async () => {
    const token = new Reloading({ text: 'secret\n' }, manualWorld().clock);
    const { transport, pods } = clientOf(ok, { token, impersonate: { user: 'jane', groups: ['a', 'b'] } });
    await pods.get(key);
    expect(transport.requests[0]!.headers).toMatchObject({
      authorization: 'Bearer secret',
      'impersonate-user': 'jane',
      'impersonate-group': ['a', 'b'],
    });
  });
});

describe('answers', () => {
  it('list items get the kind that lists of built-in kinds leave out', async () => {
    const { pods } = clientOf(() => ({
      body: { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '5' }, items: [pod] },
    }));
    expect(await pods.list()).toEqual({
      items: [{ ...pod, kind: 'Pod', apiVersion: 'v1' }],
      metadata: { resourceVersion: '5' },
    });
  });

  it('pages follow the continue token', async () => {
    const { pods, transport } = clientOf((_, i) => ({
      body: { items: [pod], metadata: i < 2 ? { continue: `t${i}` } : {} },
    }));
    expect((await collect(pods.pages({ namespace: 'ns' }))).length).toBe(3);
    expect(transport.requests.map(({ path }) => path.split('?')[1])).toEqual([
      'limit=500',
      'limit=500&continue=t0',
      'limit=500&continue=t1',
    ]);
  });

  it('may be compressed', async () => {
    async function* zipped() {
      yield gzipSync(JSON.stringify(pod));
    }
    const { pods, transport } = clientOf(() => ({ headers: { 'content-encoding': 'gzip' }, body: zipped() }));
    expect(await pods.get(key)).toEqual(pod);
    expect(transport.requests[0]!.headers['accept-encoding']).toBe('gzip');
  });

  it('a Status becomes a StatusError with all it says', async () => {
    const status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: { continue: 'fresh' },
      status: 'Failure',
      message: 'gone',
      reason: 'Expired',
      details: { name: 'a' },
      code: 410,
    };
    const { pods } = clientOf(() => ({ status: 410, body: status }));
    const error = await pods.get(key).catch((error) => error);
    expect(error.toStatus()).toEqual(status);
    expect(isExpired(error)).toBe(true);
  });

  it.each([
    [404, 'NotFound', 'the server could not find the requested resource (get pods a)'],
    [401, 'Unauthorized', 'the server has asked for the client to provide credentials (get pods a)'],
    [500, 'InternalError', 'an error on the server ("oops") has prevented the request from succeeding (get pods a)'],
    [503, 'ServiceUnavailable', 'the server is currently unable to handle the request (get pods a)'],
  ])('%i without a Status is %s', async (status, reason, message) => {
    const { pods } = clientOf(() => ({ status, body: 'oops' }));
    const error = await pods.get(key).catch((error) => error);
    expect(error).toMatchObject({ code: status, reason, message });
    expect(hasReason(error, reason)).toBe(true);
  });

  it('a watch yields events and throws the error amid them', async () => {
    const lines = [
      { type: 'ADDED', object: pod },
      { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } },
      { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } },
    ];
    const { pods, transport } = clientOf(() => ({ body: lines.map((line) => `${JSON.stringify(line)}\n`).join('') }));
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of pods.watch({ resourceVersion: '3' })) seen.push(event.type);
    })();
    await expect(reading).rejects.toMatchObject({ code: 410, reason: 'Expired', message: 'too old' });
    expect(seen).toEqual(['ADDED', 'BOOKMARK']);
    expect(transport.requests[0]!.path).toBe('/api/v1/pods?resourceVersion=3&watch=true');
  });
});

describe('once more', () => {
  it('after as many seconds as 429 and 503 ask for, whatever the verb', async () => {
    const { pods, transport, world } = clientOf((_, i) =>
      i < 2 ? { status: [429, 503][i]!, headers: { 'retry-after': '2' } } : ok(),
    );
    const done = pods.create(pod);
    await world.pass(1900);
    expect(transport.requests.length).toBe(1);
    await world.pass(200);
    expect(transport.requests.length).toBe(2);
    await world.pass(2000);
    await expect(done).resolves.toBeDefined();
  });

  it('ten times at most', async () => {
    const { pods, transport, world } = clientOf(() => ({ status: 429, headers: { 'retry-after': '1' } }));
    const done = pods.get(key).catch((error) => error);
    await world.pass(20_000);
    expect(await done).toMatchObject({ reason: 'TooManyRequests', details: { retryAfterSeconds: 1 } });
    expect(transport.requests.length).toBe(11);
  });

  it.each([
    ['broken', 'get', 2],
    ['broken', 'create', 1],
    ['unprocessed', 'create', 2],
    ['unreachable', 'get', 1],
  ] as const)('connection %s during %s: %i requests', async (loss, verb, expected) => {
    const { pods, transport, world } = clientOf((_, i) => {
      if (i === 0) throw new ConnectionError(loss, 'lost');
      return ok();
    });
    const done = (verb === 'get' ? pods.get(key) : pods.create(pod)).catch((error) => error);
    await world.pass(1000);
    const outcome = await done;
    expect(transport.requests.length).toBe(expected);
    expect(outcome instanceof ConnectionError).toBe(expected === 1);
  });

  it('not without Retry-After', async () => {
    const { pods, transport } = clientOf(() => ({ status: 503 }));
    await expect(pods.get(key)).rejects.toMatchObject({ code: 503 });
    expect(transport.requests.length).toBe(1);
  });
});

describe('limits', () => {
  it('the rate is kept: burst first, then qps', async () => {
    const { pods, transport, world } = clientOf(ok, {}, manualWorld());
    const limited = new Client({ transport, component: 'test', world, rateLimit: { qps: 10, burst: 3 } });
    const all = Promise.all(Array.from({ length: 8 }, () => limited.resource('pods').get(key)));
    await world.pass(0);
    expect(transport.requests.length).toBe(3);
    await world.pass(200);
    expect(transport.requests.length).toBe(5);
    await world.pass(300);
    await all;
    expect(pods.definition.kind).toBe('Pod');
  });

  it('a call ends at its timeout', async () => {
    const { pods, world } = clientOf(
      ({ signal }) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
      { timeoutMs: 1000 },
    );
    const failed = pods.get(key).catch((error) => error);
    await world.pass(1000);
    expect(await failed).toMatchObject({ name: 'RequestTimeoutError' });
  });

  it("a caller's signal ends it, also while it waits", async () => {
    const { pods, world } = clientOf(() => ({ status: 429, headers: { 'retry-after': '100' } }));
    const controller = new AbortController();
    const failed = pods.get(key, { signal: controller.signal }).catch((error) => error);
    await world.pass(10);
    controller.abort(new Error('enough'));
    expect(await failed).toMatchObject({ message: 'enough' });
  });
});
