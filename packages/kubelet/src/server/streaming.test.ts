import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { type Duplex, PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { HttpError } from '@keelson/component/serving/server';
import { SpdySession } from '@keelson/component/spdy/session';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import WebSocket, { createWebSocketStream } from 'ws';
import type { Session, StreamOptions } from '../runtime/streams.ts';
import { join } from './exec.ts';
import * as spdy from './spdy.ts';
import * as tunnel from './tunnel.ts';
import * as websocket from './websocket.ts';

/** A process that writes back what it reads, says how large its terminal is, and ends with the code that it is told. */
function echo({ stdout, stderr }: StreamOptions): Session {
  const [stdin, out, err] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const { promise: exit, resolve } = Promise.withResolvers<number>();
  let code = 0;
  stdin.on('data', (chunk: Buffer) => {
    const [, wanted] = /^exit (\d+)/.exec(chunk.toString()) ?? [];
    if (wanted) code = Number(wanted);
    else out.write(chunk);
  });
  stdin.on('end', () => {
    err.write('done');
    out.end();
    err.end();
    resolve(code);
  });
  return {
    stdin,
    stdout: stdout ? out : undefined,
    stderr: stderr ? err : undefined,
    resize: (width, height) => void out.write(`${width}x${height} `),
    exit,
    close: () => stdin.end(),
  };
}

const wanted: StreamOptions = { stdin: true, stdout: true, stderr: true, tty: false };
let server: http.Server;
let port: number;
let asked = wanted;
const backend = net.createServer((socket) => socket.pipe(socket));

beforeEach(async () => {
  asked = wanted;
  backend.listen(0, '127.0.0.1');
  server = http.createServer();
  server.on('upgrade', (request, socket, head) => {
    const run = (remote: Parameters<typeof join>[1]) => join(echo(asked), remote);
    if (request.url?.startsWith('/forward')) {
      const dial = async (number: number): Promise<Duplex> => {
        if (number !== 80) throw new Error('connection refused');
        return net.connect((backend.address() as AddressInfo).port, '127.0.0.1');
      };
      const { servePortForward } = spdy.isSpdy(request) ? spdy : tunnel.wantsTunnel(request) ? tunnel : websocket;
      servePortForward(request, socket, head, 'p', dial).catch((error: HttpError) =>
        socket.end(`HTTP/1.1 ${error.status} Refused\r\nReason: ${error.message}\r\n\r\n`),
      );
      return;
    }
    const { serveCommand } = spdy.isSpdy(request) ? spdy : websocket;
    serveCommand(request, socket, head, asked, 'executing command in container', run).catch((error: HttpError) =>
      socket.end(`HTTP/1.1 ${error.status} Refused\r\n\r\n`),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  backend.close();
});

async function dialSpdy(path: string, ...protocols: string[]): Promise<{ session: SpdySession; protocol: unknown }> {
  const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocols };
  const request = http.request({ port, path, method: 'POST', headers });
  request.end();
  const [answer, socket, head] = (await once(request, 'upgrade')) as [http.IncomingMessage, Duplex, Buffer];
  if (head.length > 0) socket.unshift(head);
  return {
    session: new SpdySession(socket, { role: 'client' }),
    protocol: answer.headers['x-stream-protocol-version'],
  };
}

test('how a process ended is told when all of its output has gone out, however slowly', async () => {
  const session = echo({ ...wanted, stderr: false });
  const taken: Buffer[] = [];
  const slow = new Writable({
    write(chunk: Buffer, _, done) {
      setImmediate(() => {
        taken.push(chunk);
        done();
      });
    },
  });
  const stdin = new PassThrough();
  const joined = join(session, { stdin, stdout: slow, gone: new Promise(() => {}) });
  for (let i = 0; i < 100; i++) stdin.write('x'.repeat(100));
  stdin.end();
  await joined;
  expect(Buffer.concat(taken)).toHaveLength(10_000);
});

describe('a command over SPDY', () => {
  async function run(protocol: string, input: string, tty = false) {
    asked = { ...wanted, tty, stderr: !tty };
    const { session, protocol: chosen } = await dialSpdy('/exec', 'v9.channel.k8s.io', protocol);
    expect(chosen).toBe(protocol);
    const open = (streamtype: string) => session.open({ streamtype });
    const error = await open('error');
    const stdin = await open('stdin');
    const stdout = await open('stdout');
    const stderr = tty ? undefined : await open('stderr');
    if (tty) (await open('resize')).write('{"Width":80,"Height":24}{"Width":1');
    const [out, err, outcome] = [text(stdout), stderr ? text(stderr) : Promise.resolve(''), text(error)];
    stdin.end(input);
    return { out: await out, err: await err, outcome: await outcome };
  }

  test('what goes in comes out, and success is told', async () => {
    const { out, err, outcome } = await run('v4.channel.k8s.io', 'hello');
    expect([out, err, JSON.parse(outcome)]).toEqual(['hello', 'done', { metadata: {}, status: 'Success' }]);
  });

  test('an exit code is told with its cause', async () => {
    const { outcome } = await run('v4.channel.k8s.io', 'exit 42');
    expect(JSON.parse(outcome)).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      message: 'command terminated with non-zero exit code: exit status 42',
      details: { causes: [{ reason: 'ExitCode', message: '42' }] },
    });
  });

  test('before v4 success is silence', async () => {
    expect((await run('v3.channel.k8s.io', 'x')).outcome).toBe('');
    expect((await run('v2.channel.k8s.io', 'exit 1')).outcome).toContain('exit status 1');
  });

  test('a terminal is told its size, and has no stderr', async () => {
    const { out } = await run('v4.channel.k8s.io', 'hi', true);
    expect(out).toContain('80x24 ');
    expect(out).toContain('hi');
  });
});

describe('a command over a websocket', () => {
  async function run(protocol: string, send: (socket: WebSocket) => void) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/exec`, protocol);
    const channels = new Map<number, string>();
    const encoded = protocol.includes('base64');
    socket.on('message', (message: Buffer) => {
      const channel = encoded ? Number(message.toString('latin1', 0, 1)) : message[0]!;
      const data = encoded ? Buffer.from(message.toString('latin1', 1), 'base64') : message.subarray(1);
      channels.set(channel, (channels.get(channel) ?? '') + data.toString());
    });
    await once(socket, 'open');
    send(socket);
    await once(socket, 'close');
    return channels;
  }

  test('in v5 stdin can be closed', async () => {
    const channels = await run('v5.channel.k8s.io', (socket) => {
      socket.send(Buffer.concat([Buffer.of(0), Buffer.from('hello')]));
      socket.send(Buffer.of(255, 0));
    });
    expect(channels.get(1)).toBe('hello');
    expect(channels.get(2)).toBe('done');
    expect(JSON.parse(channels.get(3)!)).toEqual({ metadata: {}, status: 'Success' });
  });

  test('in base64', async () => {
    const id = randomUUID();
    const channels = await run('v4.base64.channel.k8s.io', (socket) => {
      socket.send(`0${Buffer.from(id).toString('base64')}`);
      setTimeout(() => socket.close(), 100);
    });
    expect(channels.get(1)).toBe(id);
  });
});

/** The server's answer to a handshake that it refuses. */
async function refusal(socket: WebSocket): Promise<http.IncomingMessage> {
  const [, answer] = await once(
    socket.on('error', () => {}),
    'unexpected-response',
  );
  return answer as http.IncomingMessage;
}

test('a protocol of websockets that nobody knows is refused', async () => {
  const answer = await refusal(new WebSocket(`ws://127.0.0.1:${port}/exec`, 'v9.channel.k8s.io'));
  expect(answer.statusCode).toBe(403);
});

/** The library neither offers names with a slash nor takes them: they are kept from it. */
async function dialTunnel(protocol: string): Promise<{ session: SpdySession; protocol: unknown }> {
  const client = new WebSocket(`ws://127.0.0.1:${port}/forward`, { headers: { 'sec-websocket-protocol': protocol } });
  let chosen: unknown;
  client.once('upgrade', ({ headers }) => {
    chosen = headers['sec-websocket-protocol'];
    delete headers['sec-websocket-protocol'];
  });
  await once(client, 'open');
  return { session: new SpdySession(createWebSocketStream(client), { role: 'client' }), protocol: chosen };
}

test.each([
  ['over SPDY', () => dialSpdy('/forward', 'portforward.k8s.io'), 'portforward.k8s.io'],
  ['through a tunnel', () => dialTunnel('SPDY/3.1+portforward.k8s.io'), 'SPDY/3.1+portforward.k8s.io'],
])('connections to ports %s are pairs of streams; one that fails says why', async (_, connect, chosen) => {
  const { session, protocol } = await connect();
  expect(protocol).toBe(chosen);
  const open = (streamtype: string, to: number, requestid: string) =>
    session.open({ streamtype, port: String(to), requestid });
  const [error, data] = [await open('error', 80, '0'), await open('data', 80, '0')];
  data.end('there and back');
  expect(await text(data)).toBe('there and back');
  expect(await text(error)).toBe('');
  const [refused, nothing] = [await open('error', 81, '1'), await open('data', 81, '1')];
  nothing.resume();
  expect(await text(refused)).toBe('error forwarding port 81 to pod p, uid : connection refused');
  session.close();
});

describe('connections to ports over a websocket', () => {
  const dial = (query: string, protocol: string) => new WebSocket(`ws://127.0.0.1:${port}/forward${query}`, protocol);

  test.each(['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'])('are pairs of channels: %s', async (protocol) => {
    const socket = dial('?port=80,81&port=80', protocol);
    const encoded = protocol.includes('base64');
    const channels: Buffer[] = Array.from({ length: 6 }, () => Buffer.alloc(0));
    socket.on('message', (message: Buffer) => {
      const number = encoded ? Number(message.toString('latin1', 0, 1)) : message[0]!;
      const data = encoded ? Buffer.from(message.toString('latin1', 1), 'base64') : message.subarray(1);
      channels[number] = Buffer.concat([channels[number]!, data]);
    });
    await once(socket, 'open');
    expect(socket.protocol).toBe(protocol);
    const send = (channel: number, data: string) =>
      socket.send(encoded ? `${channel}${btoa(data)}` : Buffer.concat([Buffer.of(channel), Buffer.from(data)]));
    const large = 'x'.repeat(300_000);
    send(0, 'there and back');
    send(4, large);
    const beginning = (number: number) => Buffer.of(number, 0).toString();
    await expect
      .poll(() => channels.map(String), { timeout: 5_000 })
      .toEqual([
        `${beginning(80)}there and back`,
        beginning(80),
        beginning(81),
        `${beginning(81)}error forwarding port 81 to pod p, uid : connection refused`,
        `${beginning(80)}${large}`,
        beginning(80),
      ]);
    socket.close();
    await once(socket, 'close');
    await expect.poll(() => new Promise((resolve) => backend.getConnections((_, count) => resolve(count)))).toBe(0);
  });

  test('end when all of them have', async () => {
    const socket = dial('?port=81', 'v4.channel.k8s.io');
    expect((await once(socket, 'close'))[0]).toBe(1000);
  });

  test.each([
    ['', 'query parameter "port" is required'],
    ['?port=', 'query parameter "port" cannot be empty'],
    ['?port=0', 'port "0" must be > 0'],
    ['?port=1,x', 'unable to parse "1,x" as a port: strconv.ParseUint: parsing "x": invalid syntax'],
    ['?port=65536', 'unable to parse "65536" as a port: strconv.ParseUint: parsing "65536": value out of range'],
  ])('are refused to %j', async (query, reason) => {
    const answer = await refusal(dial(query, 'v4.channel.k8s.io'));
    expect([answer.statusCode, answer.headers.reason]).toEqual([400, reason]);
  });
});
