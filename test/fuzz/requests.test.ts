/**
 * Requests that nobody should send: the server answers with a client's error or cuts the connection, stays alive, and
 * stores nothing by half. Seeded, so that a failure can be repeated: FUZZ_SEED, FUZZ_SECONDS.
 */
import https from 'node:https';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiServer, startApiServer } from '../support/api-server.ts';

const SECONDS = Number(process.env.FUZZ_SECONDS ?? 10);
const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

let server: ApiServer;
let agent: https.Agent;

beforeAll(async () => {
  server = await startApiServer('lmdb');
  agent = new https.Agent({ keepAlive: true, ca: server.ca, maxSockets: 16 });
}, 60_000);
afterAll(async () => {
  agent.destroy();
  await server.stop();
});

/** mulberry32 */
function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Status 0: the connection was cut. */
function send(method: string, path: string, headers: Record<string, string>, body?: Buffer): Promise<Answer> {
  return new Promise((resolve) => {
    const url = new URL(server.url);
    const request = https.request(
      {
        host: url.hostname,
        port: url.port,
        method,
        path,
        agent,
        headers: {
          authorization: `Bearer ${server.token}`,
          ...headers,
          ...(body ? { 'content-length': body.length } : {}),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        const done = () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
        response.on('end', done);
        response.on('error', done);
      },
    );
    request.on('error', () => resolve({ status: 0, body: '' }));
    request.setTimeout(20_000, () => request.destroy());
    request.end(body);
  });
}

const VALID = {
  configmaps: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', labels: { a: 'b' } }, data: { k: 'v' } },
  pods: {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a' },
    spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }], env: [{ name: 'A', value: '1' }] }] },
  },
  services: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'a' },
    spec: { ports: [{ port: 80 }], selector: { a: 'b' } },
  },
};

const ODD: readonly unknown[] = [
  null,
  true,
  -1,
  1e308,
  0.5,
  '',
  '\u0000',
  '💥'.repeat(40),
  [],
  {},
  [[]],
  { a: {} },
  'x'.repeat(5000),
];
const TYPES = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'text/plain',
  'application/json; charset=utf-16',
  ';;;',
];
const PATHS = [
  '',
  '/a',
  '/a/status',
  '/a/scale',
  '/..',
  '/%00',
  '/%zz',
  '/a/b/c/d',
  '/?',
  '/%2e%2e%2fsecrets',
  '/a%2Fb',
];
const QUERIES = [
  '',
  'limit=-1',
  'limit=99999999999999999999',
  'continue=x',
  'continue=%00',
  'labelSelector=((((',
  'labelSelector=a%20in%20(,,,)',
  'fieldSelector=%5C',
  'resourceVersion=-5',
  'resourceVersion=1&resourceVersionMatch=Exact',
  'dryRun=maybe',
  'fieldManager=%07',
  'fieldValidation=Loud',
  'timeoutSeconds=abc',
  'force=1&fieldManager=m',
  'pretty=1',
  'sendInitialEvents=1',
];
const ACCEPTS = [
  '*/*',
  'application/json',
  'application/yaml',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'x/y',
  ',,;q=9',
  'application/json;as=Nope',
];
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'];

test(`no request brings the server down (seed ${SEED})`, { timeout: (SECONDS + 60) * 1000 }, async () => {
  const random = randomSource(SEED);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const mutate = (value: unknown, depth = 0): unknown => {
    if (random() < 0.15) return pick(ODD);
    if (Array.isArray(value)) return value.map((v) => mutate(v, depth + 1));
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).map(([k, v]) => [random() < 0.03 ? 'unknown' : k, mutate(v, depth + 1)]);
      return Object.fromEntries(entries);
    }
    return value;
  };
  const garble = (bytes: Buffer): Buffer => {
    const out = Buffer.from(bytes);
    for (let i = 0; i < 1 + random() * 4; i++) out[Math.floor(random() * out.length)] = Math.floor(random() * 256);
    return random() < 0.3 ? out.subarray(0, Math.floor(random() * out.length)) : out;
  };
  const bodyOf = (resource: keyof typeof VALID): Buffer => {
    const bytes = Buffer.from(JSON.stringify(mutate(VALID[resource])));
    return random() < 0.4 ? garble(bytes) : bytes;
  };

  const seen = new Map<number, number>();
  const until = Date.now() + SECONDS * 1000;
  const worker = async (): Promise<void> => {
    while (Date.now() < until) {
      const resource = pick(Object.keys(VALID) as (keyof typeof VALID)[]);
      const method = pick(METHODS);
      const path = `/api/v1/namespaces/default/${resource}${pick(PATHS)}?${pick(QUERIES)}`;
      const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
      const { status, body } = await send(
        method,
        path,
        { accept: pick(ACCEPTS), ...(hasBody ? { 'content-type': pick(TYPES) } : {}) },
        hasBody ? bodyOf(resource) : undefined,
      );
      seen.set(status, (seen.get(status) ?? 0) + 1);
      // 500 is upstream's word for some of the client's faults; a stack trace or a type error is nobody's.
      expect(body, `${method} ${path}`).not.toMatch(
        /TypeError|ReferenceError|RangeError|is not a function|undefined \(/,
      );
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  expect((await send('GET', '/livez', {})).body).toBe('ok');
  expect([...seen.values()].reduce((a, b) => a + b, 0)).toBeGreaterThan(100);
  expect(seen.get(400) ?? 0).toBeGreaterThan(0);
});

test.each([
  ['3 MiB and more', 'POST', Buffer.alloc(3 * 1024 * 1024 + 1, 0x20), 413],
  ['ten thousand levels', 'POST', Buffer.from(`{"metadata":{"name":"deep"},"data":${'['.repeat(20_000)}`), 400],
  [
    'invalid UTF-8',
    'POST',
    Buffer.concat([Buffer.from('{"metadata":{"name":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}}')]),
    422,
  ],
  ['nothing', 'POST', Buffer.alloc(0), 400],
])('a body of %s is refused', async (_name, method, body, status) => {
  const answer = await send(
    method,
    '/api/v1/namespaces/default/configmaps',
    { 'content-type': 'application/json' },
    body,
  );
  expect([answer.status, JSON.parse(answer.body).kind]).toEqual([status, 'Status']);
});

test('a body that never comes holds nobody up', async () => {
  const url = new URL(server.url);
  const socket = connect({
    host: url.hostname,
    port: Number(url.port),
    ca: server.ca,
    servername: 'localhost',
    checkServerIdentity: () => undefined,
  });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  socket.on('error', () => {});
  socket.write(
    `POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
  );
  expect((await send('GET', '/api/v1/namespaces/default', {})).status).toBe(200);
  socket.destroy();
  expect((await send('GET', '/livez', {})).body).toBe('ok');
});
