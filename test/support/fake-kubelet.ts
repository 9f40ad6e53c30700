import { once } from 'node:events';
import type http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createAuthority, issue } from '@keelson/cluster/pki/certificate';
import { SpdySession, type SpdyStream } from '@keelson/component/spdy/session';
import { WebSocketServer } from 'ws';

/** What a kubelet serves the API server, with made up containers behind it. */
export interface FakeKubelet {
  readonly port: number;
  /** Method and URL of all requests, and what they switched to. */
  readonly requests: string[];
  /** PEM, for the flags that lead to it: `--kubelet-certificate-authority`, `--kubelet-client-certificate`, its key. */
  readonly ca: string;
  readonly client: { readonly certificate: string; readonly key: string };
  stop(): Promise<void>;
}

/** Lets nobody in without a client certificate of its own authority. */
export async function startFakeKubelet(): Promise<FakeKubelet> {
  const now = new Date();
  const authority = await createAuthority('kubelets', now);
  const serving = await issue({ commonName: 'node', usage: 'server', names: ['127.0.0.1'] }, authority, now);
  const client = await issue({ commonName: 'kube-apiserver', usage: 'client' }, authority, now);
  const requests: string[] = [];
  const server = https.createServer({
    cert: serving.certificate,
    key: serving.key,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const sockets = new Set<Duplex>();
  server.on('connection', (socket: Duplex) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    serve(new URL(request.url!, 'https://node'), response);
  });
  server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    requests.push(`${request.method} ${request.url} ${request.headers.upgrade}`);
    if (request.headers.upgrade === 'websocket') echoMessages(request, socket, head);
    else switchToSpdy(request, socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    ca: authority.certificate,
    client,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function serve({ pathname, searchParams }: URL, response: http.ServerResponse): void {
  if (pathname.endsWith('/broken')) {
    response.writeHead(400).end('container "broken" in pod is waiting to start');
    return;
  }
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.write('first\n');
  if (searchParams.get('follow') !== 'true') response.end('second\n');
  else setTimeout(() => response.end('later\n'), 50);
}

/** The subprotocol and every message, back to whoever sent it. */
function echoMessages(request: http.IncomingMessage, socket: Duplex, head: Buffer): void {
  new WebSocketServer({ noServer: true }).handleUpgrade(request, socket, head, (client) => {
    client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
  });
}

function switchToSpdy(request: http.IncomingMessage, socket: Duplex): void {
  const { pathname, searchParams } = new URL(request.url!, 'https://node');
  const [offered = ''] = String(request.headers['x-stream-protocol-version']).split(', ');
  if (searchParams.get('command') === 'refused') {
    socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 7\r\n\r\nnot you');
    return;
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${offered}\r\n\r\n`,
  );
  const streams = new Map<string, SpdyStream>();
  // With a terminal there is no stderr, but its size.
  const expected = 1 + ['input', 'output', 'error', 'tty'].filter((name) => searchParams.has(name)).length;
  const count = searchParams.has('tty') && searchParams.has('error') ? expected - 1 : expected;
  const session = new SpdySession(socket, {
    role: 'server',
    onStream(stream) {
      const type = stream.headers.streamtype!;
      if (pathname.startsWith('/portForward/')) {
        if (type === 'data') answerPort(stream);
        else stream.end();
        return;
      }
      streams.set(type, stream);
      if (streams.size === count) void run(searchParams.getAll('command'), streams).then(() => session.close());
    },
  });
}

/** `8080: ` and what was said. */
function answerPort(stream: SpdyStream): void {
  stream.write(`${stream.headers.port}: `);
  stream.pipe(stream);
}

async function run(
  [command = 'cat', argument = '']: string[],
  streams: ReadonlyMap<string, SpdyStream>,
): Promise<void> {
  const say = (name: string, text: string) =>
    new Promise<void>((resolve) => {
      const stream = streams.get(name);
      if (stream) stream.end(text, resolve);
      else resolve();
    });
  const stdin = streams.get('stdin');
  switch (command) {
    case 'cat': {
      const stdout = streams.get('stdout')!;
      if (stdin) await once(stdin.pipe(stdout), 'finish');
      else await say('stdout', 'nothing to say');
      await say('stderr', '');
      await say('error', status({ status: 'Success' }));
      break;
    }
    case 'both':
      await say('stdout', 'to stdout\n');
      await say('stderr', 'to stderr\n');
      await say('error', status({ status: 'Success' }));
      break;
    case 'size': {
      const [size] = (await once(streams.get('resize')!, 'data')) as [Buffer];
      await say('stdout', `size ${size.toString().trim()}`);
      await say('error', status({ status: 'Success' }));
      break;
    }
    case 'exit':
      await say('stdout', '');
      await say('stderr', '');
      await say(
        'error',
        status({
          status: 'Failure',
          reason: 'NonZeroExitCode',
          message: `command terminated with exit code ${argument}`,
          details: { causes: [{ reason: 'ExitCode', message: argument }] },
        }),
      );
      break;
  }
}

function status(fields: object): string {
  return JSON.stringify({ metadata: {}, ...fields });
}
