/** Logs, exec, attach, port-forward and proxies through the API server to a kubelet that is made up. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { SpdySession } from '@keelson/component/spdy/session';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type ApiClient, apiClient } from '../support/api-client.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { type FakeKubelet, startFakeKubelet } from '../support/fake-kubelet.ts';
import { kubectl as kubectlWith } from '../support/kubectl.ts';
import { freePort } from '../support/process.ts';
import { missing } from '../support/tools.ts';

let server: ApiServer;
let client: ApiClient;
let kubelet: FakeKubelet;
let root: string;
const pods = '/api/v1/namespaces/default/pods';

beforeAll(async () => {
  kubelet = await startFakeKubelet();
  root = await mkdtemp(join(tmpdir(), 'keelson-streaming-'));
  const file = async (name: string, content: string) => {
    await writeFile(join(root, name), content);
    return join(root, name);
  };
  server = await startApiServer('memory', [
    `--kubelet-certificate-authority=${await file('ca.crt', kubelet.ca)}`,
    `--kubelet-client-certificate=${await file('client.crt', kubelet.client.certificate)}`,
    `--kubelet-client-key=${await file('client.key', kubelet.client.key)}`,
  ]);
  client = apiClient(server.url, server.token);
  await client.send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  for (const [name, features] of [
    ['older', []],
    ['newer', ['ExtendWebSocketsToKubelet']],
  ] as const) {
    await client.send('POST', '/api/v1/nodes', { metadata: { name } });
    await patchStatus(`/api/v1/nodes/${name}`, {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
      declaredFeatures: features,
    });
    await client.send('POST', pods, {
      metadata: { name },
      spec: { nodeName: name, containers: ['c', 'broken'].map((c) => ({ name: c, image: 'i' })) },
    });
    await patchStatus(`${pods}/${name}`, { phase: 'Running', containerStatuses: [] });
  }
}, 60_000);
afterAll(async () => {
  client?.close();
  await server?.stop();
  await kubelet?.stop();
  await rm(root, { recursive: true });
});

async function patchStatus(path: string, status: object): Promise<void> {
  const { body } = await client.send('PATCH', `${path}/status`, { status });
  expect(JSON.parse(body)).not.toHaveProperty('code');
}

function websocket(path: string, protocol: string): WebSocket {
  return new WebSocket(`${server.url.replace('https', 'wss')}${path}`, protocol, {
    ca: server.ca,
    headers: { authorization: `Bearer ${server.token}` },
  });
}

/** What comes over a websocket of channels until it closes, by channel. */
async function channels(socket: WebSocket): Promise<Record<number, string>> {
  const seen: Record<number, string> = {};
  socket.on('message', (data: Buffer) => {
    seen[data[0]!] = (seen[data[0]!] ?? '') + data.toString('utf8', 1);
  });
  await once(socket, 'close');
  return seen;
}

/** A connection that has switched to SPDY. */
async function spdy(path: string, protocol: string): Promise<{ session: SpdySession; protocol: unknown }> {
  const request = https.request(`${server.url}${path}`, {
    method: 'POST',
    ca: server.ca,
    headers: {
      authorization: `Bearer ${server.token}`,
      connection: 'Upgrade',
      upgrade: 'SPDY/3.1',
      'x-stream-protocol-version': protocol,
    },
  });
  request.end();
  const [response, socket] = (await once(request, 'upgrade')) as [http.IncomingMessage, Duplex];
  return {
    session: new SpdySession(socket, { role: 'client' }),
    protocol: response.headers['x-stream-protocol-version'],
  };
}

describe('logs', () => {
  test.each([
    ['container=c', 200, 'first\nsecond\n', '/containerLogs/default/older/c'],
    [
      'container=c&follow=true&tailLines=2',
      200,
      'first\nlater\n',
      '/containerLogs/default/older/c?follow=true&tailLines=2',
    ],
  ])('?%s', async (query, status, body, asked) => {
    expect(await client.send('GET', `${pods}/older/log?${query}`)).toMatchObject({ status, body });
    expect(kubelet.requests.at(-1)).toBe(`GET ${asked}`);
  });

  test("a kubelet's refusal is the answer", async () => {
    const { status, body } = await client.send('GET', `${pods}/older/log?container=broken`);
    expect(status).toBe(400);
    expect(JSON.parse(body).message).toBe('container "broken" in pod is waiting to start');
  });

  test('over a websocket', async () => {
    const socket = websocket(`${pods}/older/log?container=c`, 'base64.binary.k8s.io');
    let log = '';
    socket.on('message', (data: Buffer) => {
      log += Buffer.from(data.toString(), 'base64').toString();
    });
    await once(socket, 'close');
    expect(log).toBe('first\nsecond\n');
  });
});

describe('exec', () => {
  const exec = (pod: string, query: string) => `${pods}/${pod}/exec?container=c&${query}`;

  test('over a websocket that is translated', async () => {
    const socket = websocket(exec('older', 'command=cat&stdin=1&stdout=1'), 'v5.channel.k8s.io');
    await once(socket, 'message');
    const seen = channels(socket);
    socket.send(Buffer.from('\u0000hello'));
    socket.send(Buffer.of(255, 0));
    expect(await seen).toEqual({ 1: 'hello', 3: '{"metadata":{},"status":"Success"}' });
    expect(kubelet.requests.at(-1)).toBe('POST /exec/default/older/c?command=cat&input=1&output=1 SPDY/3.1');
  });

  test('much of it, with a slow reader', async () => {
    const socket = websocket(exec('older', 'command=cat&stdin=1&stdout=1'), 'v5.channel.k8s.io');
    await once(socket, 'message');
    let size = 0;
    socket.on('message', (data: Buffer) => {
      if (data[0] !== 1) return;
      size += data.length - 1;
      socket.pause();
      setTimeout(() => socket.resume(), 1);
    });
    const chunk = Buffer.alloc(32 * 1024);
    for (let i = 0; i < 64; i++) socket.send(chunk);
    socket.send(Buffer.of(255, 0));
    await once(socket, 'close');
    expect(size).toBe(64 * (chunk.length - 1));
  });

  test.each([
    ['exit&command=3&stdout=1', 'command terminated with non-zero exit code: command terminated with exit code 3'],
    ['refused&stdout=1', 'Internal error occurred: unable to upgrade connection: not you'],
  ])('%s', async (command, message) => {
    const seen = await channels(websocket(exec('older', `command=${command}`), 'v5.channel.k8s.io'));
    expect(JSON.parse(seen[3]!)).toMatchObject({ status: 'Failure', message });
  });

  test('a terminal has a size and no stderr', async () => {
    const query = 'command=size&stdout=1&stderr=1&tty=1';
    const socket = websocket(exec('older', query), 'v5.channel.k8s.io');
    await once(socket, 'message');
    const seen = channels(socket);
    socket.send(Buffer.from('\u0004{"Width":80,"Height":24}'));
    expect((await seen)[1]).toBe('size {"Width":80,"Height":24}');
  });

  test('over a websocket to a kubelet that speaks them', async () => {
    const socket = websocket(exec('newer', 'command=x&stdout=1'), 'v5.channel.k8s.io');
    await once(socket, 'open');
    expect(socket.protocol).toBe('v5.channel.k8s.io');
    socket.send('any');
    expect(String((await once(socket, 'message'))[0])).toBe('any');
    socket.close();
    expect(kubelet.requests.at(-1)).toBe('GET /exec/default/newer/c?command=x&output=1 websocket');
  });

  test('over SPDY, as it is', async () => {
    const { session, protocol } = await spdy(exec('older', 'command=both&stdout=1&stderr=1'), 'v4.channel.k8s.io');
    expect(protocol).toBe('v4.channel.k8s.io');
    const [error, stdout, stderr] = await Promise.all(
      ['error', 'stdout', 'stderr'].map(async (streamtype) => text(await session.open({ streamtype }))),
    );
    expect([stdout, stderr, JSON.parse(error!).status]).toEqual(['to stdout\n', 'to stderr\n', 'Success']);
    session.close();
  });

  test('needs an upgrade', async () => {
    const { status, body } = await client.send('GET', exec('older', 'command=x'));
    expect([status, JSON.parse(body).message]).toEqual([400, 'Upgrade request required']);
  });

  test('needs the right to create, whatever the method', async () => {
    const as = { 'impersonate-user': 'reader' };
    const rule = { apiGroups: [''], resources: ['pods/exec'], verbs: ['get'] };
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
    await client.send('POST', `${rbac}/roles`, { metadata: { name: 'reader' }, rules: [rule] });
    await client.send('POST', `${rbac}/rolebindings`, {
      metadata: { name: 'reader' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'reader' }],
    });
    await vi.waitFor(async () => {
      const { status, body } = await client.send('GET', exec('older', 'command=x'), undefined, as);
      expect([status, JSON.parse(body).message]).toEqual([403, 'pods "older" is forbidden: ']);
    });
  });
});

describe('port-forward', () => {
  test('over SPDY', async () => {
    const { session } = await spdy(`${pods}/older/portforward`, 'portforward.k8s.io');
    await session.open({ streamtype: 'error', port: '80', requestid: '0' });
    const data = await session.open({ streamtype: 'data', port: '80', requestid: '0' });
    data.end('hello');
    expect(await text(data)).toBe('80: hello');
    session.close();
  });
});

describe('proxies', () => {
  /** Pods and nodes are proxied at addresses that others could reach, too. */
  const address = Object.values(networkInterfaces())
    .flat()
    .find((a) => a?.family === 'IPv4' && !a.internal && !a.address.startsWith('169.254.'))?.address;
  let backend: http.Server;
  const seen: { url: string; headers: http.IncomingHttpHeaders; body: string }[] = [];

  beforeAll(async () => {
    backend = http.createServer(async (request, response) => {
      seen.push({ url: request.url!, headers: request.headers, body: await text(request) });
      if (request.url === '/page') {
        response.writeHead(200, { 'content-type': 'text/html', 'access-control-allow-origin': '*' });
        response.end('<a href="/there?x=1">there</a>');
      } else if (request.url === '/moved') response.writeHead(302, { location: '/there' }).end();
      else response.end('hello');
    });
    backend.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.pipe(socket);
    });
    backend.listen(0);
    await once(backend, 'listening');
    const { port } = backend.address() as AddressInfo;
    const spec = { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: port }] }] };
    await client.send('POST', pods, { metadata: { name: 'web' }, spec });
    await patchStatus(`${pods}/web`, { podIP: address, podIPs: [{ ip: address }] });
    const targetRef = { kind: 'Pod', namespace: 'default', name: 'web' };
    await client.send('POST', '/api/v1/namespaces/default/services', {
      metadata: { name: 'web' },
      spec: { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] },
    });
    await client.send('POST', '/api/v1/namespaces/default/endpoints', {
      metadata: { name: 'web' },
      subsets: [{ addresses: [{ ip: address, targetRef }], ports: [{ name: 'http', port }] }],
    });
  });
  afterAll(() => backend.close());
  const proxied = test.skipIf(address === undefined);

  proxied.each([`${pods}/web/proxy`, '/api/v1/namespaces/default/services/web:80/proxy'])('%s', async (path) => {
    const { status, body, headers } = await client.send('PUT', `${path}/a%20b?c=d`, { e: 1 }, { 'x-own': '1' });
    expect({ status, body, cache: headers['cache-control'] }).toEqual({
      status: 200,
      body: 'hello',
      cache: 'no-cache, private',
    });
    const got = seen.at(-1)!;
    expect(got).toMatchObject({ url: '/a%20b?c=d', body: '{"e":1}' });
    expect(got.headers).toMatchObject({ 'x-own': '1', 'x-forwarded-for': '127.0.0.1' });
    expect(got.headers['x-forwarded-uri']).toBe(`${path}/a%20b`);
    expect(got.headers.authorization).toBeUndefined();
  });

  proxied('links lead below the proxy', async () => {
    const page = await client.send('GET', `${pods}/web/proxy/page`);
    expect(page.body).toBe(`<a href="${pods}/web/proxy/there?x=1">there</a>`);
    expect(page.headers['access-control-allow-origin']).toBeUndefined();
    expect((await client.send('GET', `${pods}/web/proxy/moved`)).headers.location).toBe(`${pods}/web/proxy/there`);
    expect((await client.send('GET', `${pods}/web/proxy?a=b`)).headers.location).toBe(`${pods}/web/proxy/?a=b`);
  });

  proxied('nobody listens', async () => {
    const { status, body } = await client.send('GET', `${pods}/web:1/proxy/`);
    const why = `error trying to reach service: dial tcp ${address}:1: connect: connection refused`;
    expect([status, JSON.parse(body).message]).toEqual([503, why]);
  });

  proxied('other protocols', async () => {
    const headers = { authorization: `Bearer ${server.token}`, connection: 'Upgrade', upgrade: 'echo' };
    const request = https.get(`${server.url}${pods}/web/proxy/`, { ca: server.ca, headers });
    const [, socket] = (await once(request, 'upgrade')) as [http.IncomingMessage, Duplex];
    socket.write('over and out');
    expect(String((await once(socket, 'data'))[0])).toBe('over and out');
    socket.end();
    await once(socket, 'close');
  });
});

describe.skipIf(missing('kubectl') !== undefined)('kubectl', () => {
  const SPDY = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' };

  test.each([{}, SPDY])('exec and attach %s', async (env: Record<string, string>) => {
    const kubectl = kubectlWith(server.kubeconfig);
    const run = kubectl.with({ env, stdin: 'from here' });
    expect(await run`exec -i older -c c -- cat`).toBe('from here');
    expect(await run`attach -i older -c c`).toBe('from here');
    const failed = await kubectl.result({ env })`exec older -c c -- exit 7`;
    expect(failed).toMatchObject({ code: 7, stderr: 'command terminated with exit code 7\n' });
  });

  test.each([{}, SPDY])('port-forward %s', async (env: Record<string, string>) => {
    const kubectl = kubectlWith(server.kubeconfig);
    const port = await freePort();
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const forward = kubectl.start`port-forward pod/older ${port}:80`;
    try {
      await vi.waitFor(() => expect(forward.output()).toContain('Forwarding from'), { timeout: 10_000 });
      const socket = connect(port, '127.0.0.1');
      socket.end('hello');
      expect(await text(socket)).toBe('80: hello');
    } finally {
      await forward.stop();
      vi.unstubAllEnvs();
    }
  });

  test('logs', async () => {
    const kubectl = kubectlWith(server.kubeconfig);
    expect(await kubectl`logs older -c c --follow`).toBe('first\nlater\n');
  });
});

test('a server that stops ends its streams', async () => {
  const socket = websocket(`${pods}/newer/exec?container=c&command=x&stdout=1`, 'v5.channel.k8s.io');
  await once(socket, 'open');
  const closed = once(socket, 'close');
  expect(await server.program.stop()).toBe(0);
  await closed;
});
