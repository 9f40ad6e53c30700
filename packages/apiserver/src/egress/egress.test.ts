import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Backend, BackendPool } from '../connect/backend.ts';
import type { Dial } from '../connect/dial.ts';
import { selfSigned } from '../http/testing.ts';
import { WebhookClient } from '../webhook/client.ts';
import { startTestServer, type TestServer } from '../webhook/testing.ts';
import { type EgressName, EgressSelector } from './index.ts';
import { Relays } from './relay.ts';
import { type ConnectOptions, startConnectProxy, startKonnectivity, type TestProxy } from './testing.ts';

let root: string;
let count = 0;
let serving: { readonly cert: string | Buffer; readonly key: string | Buffer };
let client: typeof serving;
let files: { readonly ca: string; readonly cert: string; readonly key: string };
const endings: (() => unknown)[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ke-'));
  [serving, client] = [await selfSigned('127.0.0.1', 'konnectivity'), await selfSigned('apiserver')];
  const put = async (name: string, content: string | Buffer) => {
    await writeFile(join(root, name), content);
    return join(root, name);
  };
  files = {
    ca: await put('ca.crt', serving.cert),
    cert: await put('client.crt', client.cert),
    key: await put('client.key', client.key),
  };
});
afterAll(() => rm(root, { recursive: true }));
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const socketPath = () => join(root, `${count++}.sock`);

/** @param selections each a name and a connection */
async function open(...selections: readonly (readonly [name: string, connection: object])[]): Promise<EgressSelector> {
  const path = join(root, `${count++}.yaml`);
  const egressSelections = selections.map(([name, connection]) => ({ name, connection }));
  const head = { apiVersion: 'apiserver.k8s.io/v1beta1', kind: 'EgressSelectorConfiguration' };
  await writeFile(path, JSON.stringify({ ...head, egressSelections }));
  return EgressSelector.open(path, () => 0);
}
const failure = (attempt: Promise<unknown>) => attempt.then(String, (error: Error) => error.message);

const tls = () => ({ caBundle: files.ca, clientCert: files.cert, clientKey: files.key });
const overTcp = (url: string, tlsConfig?: object) => ({
  proxyProtocol: 'HTTPConnect',
  transport: { tcp: { url, ...(tlsConfig ? { tlsConfig } : {}) } },
});
const overSocket = (udsName: string, proxyProtocol = 'HTTPConnect') => ({
  proxyProtocol,
  transport: { uds: { udsName } },
});

describe('a configuration', () => {
  const invalid = 'failed to validate egress selector configuration: ';
  const nope = { caBundle: '/nope' };
  test.each<[string, (readonly [string, object])[], string]>([
    [
      'both transports',
      [
        [
          'cluster',
          { proxyProtocol: 'HTTPConnect', transport: { tcp: { url: 'https://x:1', tlsConfig: nope }, uds: {} } },
        ],
      ],
      'service.connection.tcp: Invalid value: {"URL":"https://x:1","TLSConfig":{"CABundle":"/nope","ClientKey":"","ClientCert":"","TLSServerName":""}}: TCP and UDS cannot both be set',
    ],
    [
      'files that are not there',
      [['cluster', overTcp('https://x:1', { ...nope, clientKey: '/nope' })]],
      '[service.connection.tlsConfig.caBundle: Invalid value: "/nope": TLS config ca bundle does not exist, service.connection.tlsConfig.clientCert: Invalid value: "nil": Using TLS requires clientCert, service.connection.tlsConfig.clientKey: Invalid value: "/nope": TLS client key does not exist]',
    ],
    [
      'a transport to go straight',
      [['cluster', { proxyProtocol: 'Direct', transport: {} }]],
      'service.connection.transport: Invalid value: "direct": config must be absent for direct connect',
    ],
    [
      'no transport',
      [['cluster', { proxyProtocol: 'HTTPConnect' }]],
      'service.connection.transport: Required value: transport must be set for HTTPConnect',
    ],
    [
      'an empty transport',
      [['cluster', { proxyProtocol: 'HTTPConnect', transport: {} }]],
      'service.connection.tcp: Required value: One of TCP or UDS must be set',
    ],
    [
      'another scheme',
      [['cluster', overTcp('ftp://x:1')]],
      'service.connection.url: Invalid value: "ftp://x:1": supported connection protocols are http:// and https://',
    ],
    [
      'TLS where there is none',
      [['cluster', overTcp('http://x:1', {})]],
      'service.connection.tlsConfig: Invalid value: "nil": config must not be present when using HTTP',
    ],
    [
      'no TLS',
      [['cluster', overTcp('https://x:1')]],
      'service.connection.tlsConfig: Required value: TLSConfig must be present when using HTTPS',
    ],
    [
      'no path',
      [['cluster', overSocket('')]],
      'service.connection.udsName: Invalid value: "nil": must be present for UDS connections',
    ],
    [
      'gRPC to nowhere',
      [['cluster', { proxyProtocol: 'GRPC' }]],
      'service.connection.transport: Required value: transport must be set for GRPC',
    ],
    [
      'gRPC over TCP',
      [['cluster', { proxyProtocol: 'GRPC', transport: { tcp: { url: 'http://x:1' } } }]],
      'service.connection.uds: Required value: UDS must be set with GRPC',
    ],
    [
      'an unknown protocol',
      [['cluster', { proxyProtocol: 'Foo' }]],
      'service.connection.protocol: Unsupported value: "Foo": supported values: "Direct", "HTTPConnect", "GRPC"',
    ],
    [
      'names',
      [
        ['master', { proxyProtocol: 'Direct' }],
        ['ControlPlane', { proxyProtocol: 'Direct' }],
        ['x', { proxyProtocol: 'Direct' }],
      ],
      '[service.connection[1]: Duplicate value: "controlplane", service.connection: Unsupported value: "x": supported values: "cluster", "controlplane", "etcd"]',
    ],
  ])('with %s is refused', async (_, selections, message) => {
    expect(await failure(open(...selections))).toBe(invalid + message);
  });

  test.each([
    [
      '{apiVersion: apps/v1, kind: DaemonSet}',
      'failed to read egress selector config: no kind "DaemonSet" is registered for version "apps/v1"',
    ],
    [
      '{apiVersion: apiserver.k8s.io/v1beta1, kind: EgressSelectorConfiguration, egressSelections: [{name: cluster, foo: 1}]}',
      'failed to read egress selector config: strict decoding error: unknown field "egressSelections[0].foo"',
    ],
  ])('that is %s is refused', async (content, message) => {
    await writeFile(join(root, 'bad.yaml'), content);
    expect(() => EgressSelector.open(join(root, 'bad.yaml'), () => 0)).toThrow(message);
  });

  test('that is not there is refused, and certificates that are none', async () => {
    const path = join(root, 'missing.yaml');
    expect(() => EgressSelector.open(path, () => 0)).toThrow(
      `failed to read egress selector config: unable to read egress selector configuration from "${path}" [open ${path}: no such file or directory]`,
    );
    const wrong = overTcp('https://x:1', { ...tls(), clientKey: files.cert });
    expect(await failure(open(['cluster', wrong]))).toContain('failed to create dialer for egressSelection "cluster"');
  });

  test('says what goes straight', async () => {
    const egress = await open(['etcd', { proxyProtocol: 'Direct' }]);
    expect([egress.has('etcd'), egress.has('cluster')]).toEqual([true, false]);
    expect(egress.dialer('etcd')).toBeUndefined();
  });
});

/** A server of TCP that says again what it is told. */
async function startEcho(): Promise<{ readonly server: Server; readonly port: number; readonly sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    sockets.push(socket.on('error', () => {}));
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port, sockets };
}

type Started = { readonly proxy: TestProxy; readonly connection: object };
const ways: Readonly<Record<string, () => Promise<Started>>> = {
  'HTTP over TLS': async () => {
    const proxy = await startConnectProxy({
      tls: { ...serving, ca: client.cert, requestCert: true, rejectUnauthorized: true },
    });
    return { proxy, connection: overTcp(`https://127.0.0.1:${proxy.port}`, tls()) };
  },
  'HTTP over TLS under another name': async () => {
    const proxy = await startConnectProxy({ tls: serving });
    const tlsConfig = { ...tls(), tlsServerName: 'konnectivity' };
    return { proxy, connection: overTcp(`https://localhost:${proxy.port}`, tlsConfig) };
  },
  'HTTP over TCP': async () => {
    const proxy = await startConnectProxy();
    return { proxy, connection: overTcp(`http://127.0.0.1:${proxy.port}`) };
  },
  'HTTP over a socket': async () => {
    const path = socketPath();
    return { proxy: await startConnectProxy({ path }), connection: overSocket(path) };
  },
  'gRPC over a socket': async () => {
    const path = socketPath();
    return { proxy: await startKonnectivity(path), connection: overSocket(path, 'GRPC') };
  },
};

describe.each(Object.entries(ways))('by %s', (_, start) => {
  let proxy: TestProxy;
  let dial: Dial;

  beforeEach(async () => {
    const started = await start();
    proxy = started.proxy;
    endings.push(() => proxy.close());
    dial = (await open(['cluster', started.connection])).dialer('cluster')!;
  });

  test('bytes get to the other end and back, many of them', async () => {
    const { port } = await startEcho();
    const socket = await dial({ host: '127.0.0.1', port });
    endings.push(() => socket.destroy());
    const sent = Buffer.alloc(5_000_000, 'bytes');
    const received: Buffer[] = [];
    let size = 0;
    const all = new Promise<void>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        received.push(chunk);
        size += chunk.length;
        if (size >= sent.length) resolve();
      });
    });
    socket.write(sent);
    await all;
    expect(Buffer.concat(received).equals(sent)).toBe(true);
    expect(proxy.targets).toEqual([`127.0.0.1:${port}`]);
  });

  test('each end learns of the end of the other', async () => {
    const { port, sockets } = await startEcho();
    const first = await dial({ host: '127.0.0.1', port });
    first.resume();
    await expect.poll(() => sockets.length).toBe(1);
    const closed = once(first, 'close');
    sockets[0]!.destroy();
    await closed;
    const second = await dial({ host: '127.0.0.1', port });
    await expect.poll(() => sockets.length).toBe(2);
    second.destroy();
    await expect.poll(() => sockets[1]!.destroyed).toBe(true);
  });

  test('requests are passed on, with TLS and without, one after the other on one connection', async () => {
    const secure = await startTestServer(() => ({ body: 'secure' }));
    const plain = http.createServer((_request, response) => response.end('plain'));
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const pool = new BackendPool(dial);
    endings.push(
      () => secure.close(),
      () => plain.close(),
      () => pool.close(),
    );
    const ask = async (scheme: Backend['scheme'], port: number) => {
      const host = '127.0.0.1';
      const backend = { scheme, host, port: String(port), path: '/', query: '', tls: { ca: secure.ca } };
      const request = pool.request(backend, { method: 'GET', headers: {} });
      request.end();
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      return text(response);
    };
    const plainPort = (plain.address() as AddressInfo).port;
    for (let i = 0; i < 2; i++) {
      expect(await ask('https', secure.port)).toBe('secure');
      expect(await ask('http', plainPort)).toBe('plain');
    }
    expect(proxy.targets).toEqual([`127.0.0.1:${secure.port}`, `127.0.0.1:${plainPort}`]);
  });

  test('an upgrade gets through', async () => {
    const server = http.createServer().on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n');
      socket.pipe(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    endings.push(() => server.close());
    const port = String((server.address() as AddressInfo).port);
    const backend: Backend = { scheme: 'http', host: '127.0.0.1', port, path: '/', query: '', tls: {} };
    const headers = { connection: 'Upgrade', upgrade: 'echo' };
    const request = new BackendPool(dial).request(backend, { method: 'GET', headers, isUpgrade: true });
    request.end();
    const [, socket] = (await once(request, 'upgrade')) as [unknown, Socket];
    endings.push(() => socket.destroy());
    socket.write('hello');
    expect(String((await once(socket, 'data'))[0])).toBe('hello');
  });
});

describe('no connection', () => {
  const to = { host: '10.0.0.1', port: 10250 };
  const viaTcp = async (options: ConnectOptions) => {
    const proxy = await startConnectProxy(options);
    endings.push(() => proxy.close());
    return { address: `127.0.0.1:${proxy.port}`, connection: overTcp(`http://127.0.0.1:${proxy.port}`) };
  };
  const tried = async (connection: object) => {
    const egress = await open(['cluster', connection]);
    const registry = new MetricsRegistry();
    egress.registerMetrics(registry);
    const message = await failure(egress.dialer('cluster')!(to));
    const lines = (await registry.text()).split('\n').filter((line) => /^\w+\{.*\} [1-9]/.test(line));
    return { message, lines };
  };

  test('a proxy that does not want, and one that says too much', async () => {
    const { address, connection } = await viaTcp({ answer: () => 'HTTP/1.1 403 Forbidden\r\n\r\n' });
    expect(await tried(connection)).toEqual({
      message: `proxy error from ${address} while dialing 10.0.0.1:10250, code 403: 403 Forbidden`,
      lines: [
        'apiserver_egress_dialer_dial_failure_count{protocol="http_connect",stage="proxy",transport="tcp"} 1',
        'apiserver_egress_dialer_dial_start_total{protocol="http_connect",transport="tcp"} 1',
      ],
    });
    const loud = await viaTcp({ answer: () => 'HTTP/1.1 200 OK\r\n\r\nhello' });
    expect((await tried(loud.connection)).message).toBe(
      `unexpected 5 bytes of buffered data from CONNECT proxy "${loud.address}"`,
    );
    const silent = await viaTcp({ answer: () => '' });
    expect((await tried(silent.connection)).message).toBe(
      `reading HTTP response from CONNECT to 10.0.0.1:10250 via proxy ${silent.address} failed: EOF`,
    );
  });

  test('a proxy that is not there', async () => {
    const path = socketPath();
    expect(await tried(overSocket(path))).toEqual({
      message: `dial unix ${path}: connect: no such file or directory`,
      lines: [
        'apiserver_egress_dialer_dial_failure_count{protocol="http_connect",stage="connect",transport="uds"} 1',
        'apiserver_egress_dialer_dial_start_total{protocol="http_connect",transport="uds"} 1',
      ],
    });
  });

  test('a proxy that nobody has vouched for', async () => {
    const proxy = await startConnectProxy({ tls: await selfSigned('127.0.0.1') });
    endings.push(() => proxy.close());
    const { message } = await tried(overTcp(`https://127.0.0.1:${proxy.port}`, tls()));
    expect(message).toBe('tls: failed to verify certificate: x509: certificate signed by unknown authority');
  });

  test.each<[string, (random: number) => object, string, string]>([
    [
      'an agent that reaches nobody',
      (random) => ({
        type: 'DIAL_RSP',
        dialResponse: { error: 'dial tcp 10.0.0.1:10250: i/o timeout', connectID: 0, random },
      }),
      'dial tcp 10.0.0.1:10250: i/o timeout',
      'endpoint',
    ],
    ['a dial that is ended', (random) => ({ type: 'DIAL_CLS', closeDial: { random } }), 'dial closed', 'dialclosed'],
  ])('%s', async (_, answer, message, reason) => {
    const path = socketPath();
    const konnectivity = await startKonnectivity(path);
    endings.push(() => konnectivity.close());
    konnectivity.answer = answer as typeof konnectivity.answer;
    const outcome = await tried(overSocket(path, 'GRPC'));
    expect(outcome.message).toBe(message);
    expect(outcome.lines).toContain(`konnectivity_network_proxy_client_dial_failure_total{reason="${reason}"} 1`);
    expect(outcome.lines).toContain(
      'apiserver_egress_dialer_dial_failure_count{protocol="grpc",stage="proxy",transport="uds"} 1',
    );
  });
});

describe('webhooks', () => {
  let hook: TestServer;
  let webhooks: WebhookClient;
  let asked: string[];

  beforeEach(async () => {
    hook = await startTestServer(() => ({ body: '{}' }), 'hook.ns.svc', 'kubernetes.default.svc');
    asked = [];
    const dialer =
      (name: EgressName): Dial =>
      async ({ host, port }) => {
        asked.push(name);
        const socket = connect(port, host);
        await once(socket, 'connect');
        return socket;
      };
    webhooks = new WebhookClient({
      resolve: async () => ({ host: '127.0.0.1', port: hook.port }),
      egress: { dialer },
    });
    endings.push(
      () => hook.close(),
      () => webhooks.close(),
    );
  });

  test.each([
    [{ service: { namespace: 'ns', name: 'hook' } }, ['cluster']],
    [{ url: 'own' }, ['controlplane']],
    [{ service: { namespace: 'default', name: 'kubernetes' } }, []],
  ])('%j', async (config, expected) => {
    const reached = 'url' in config ? { url: hook.url } : config;
    const caBundle = Buffer.from(hook.ca).toString('base64');
    expect(await webhooks.post({ ...reached, caBundle }, Buffer.from('{}'), 5)).toMatchObject({ status: 200 });
    expect(asked).toEqual(expected);
  });
});

test('a relay leads to addresses through a proxy, and is nobody else’s', async () => {
  const path = socketPath();
  const proxy = await startConnectProxy({ path });
  const dial = (await open(['etcd', overSocket(path)])).dialer('etcd')!;
  const relays = await Relays.open(dial);
  endings.push(
    () => proxy.close(),
    () => relays.close(),
  );
  const { port, sockets } = await startEcho();
  const url = `http://127.0.0.1:${port}`;
  const paths = await relays.to([url, 'unix:///run/etcd.sock']);
  expect([...paths.keys()]).toEqual([url]);
  const socket = connect(paths.get(url)!);
  socket.write('hello');
  expect(String((await once(socket, 'data'))[0])).toBe('hello');
  expect(proxy.targets).toEqual([`127.0.0.1:${port}`]);
  const rest = buffer(socket);
  sockets[0]!.destroy();
  expect((await rest).length).toBe(0);
});
