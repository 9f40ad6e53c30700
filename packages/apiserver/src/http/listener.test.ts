import { once } from 'node:events';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { connect as plainConnect } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import type { Exchange } from './exchange.ts';
import { type Listener, type ListenerOptions, listen } from './listener.ts';
import { onFault, selfSigned } from './testing.ts';

const listeners: Listener[] = [];
afterEach(() => Promise.all(listeners.splice(0).map((listener) => listener.close(0))));

async function start(port: number, options: Partial<ListenerOptions>): Promise<Listener> {
  const material = { certificate: await selfSigned('127.0.0.1'), named: [], clientCa: undefined };
  const listener = await listen({ host: '127.0.0.1', port, material, onExchange: () => {}, onFault, ...options });
  listeners.push(listener);
  return listener;
}

it('shares its port with those alone that want to share it', async () => {
  const { port } = await start(0, { sharesPort: true });
  expect((await start(port, { sharesPort: true })).port).toBe(port);
  await expect(start(port, {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

it('tells of handshakes that fail', async () => {
  const failed = Promise.withResolvers<void>();
  const { port } = await start(0, { onHandshakeError: failed.resolve });
  const socket = plainConnect({ host: '127.0.0.1', port });
  socket.end('this is no handshake\r\n\r\n');
  await Promise.all([failed.promise, once(socket.resume(), 'close')]);
});

it.each([
  ['GET /a?b HTTP/1.1', '200 OK', '/a?b'],
  ['GET https://proxied.example:8443/a?b HTTP/1.1', '200 OK', '/a?b'],
  ['GET http://proxied.example HTTP/1.1', '200 OK', '/'],
  ['FOO /a HTTP/1.1', '405 Method Not Allowed', undefined],
  ['GET /a HTTP/9', '400 Bad Request', '400 Bad Request'],
  [
    `GET /${'a'.repeat(1 << 20)} HTTP/1.1`,
    '431 Request Header Fields Too Large',
    '431 Request Header Fields Too Large',
  ],
])('HTTP/1.1: %.60s is %s', async (line, status, body) => {
  const onExchange = (exchange: Exchange) => exchange.respond(200, {}, exchange.url);
  const { port } = await start(0, { onExchange });
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  socket.write(`${line}\r\nHost: server\r\nConnection: close\r\n\r\n`);
  const [head, said] = (await answerOf(socket)).split('\r\n\r\n');
  expect(head!.split('\r\n')[0]).toBe(`HTTP/1.1 ${status}`);
  if (status.startsWith('405')) expect(head).toContain('Cache-Control: no-cache, private');
  if (body !== undefined) expect(said).toBe(body);
});

it.each([
  ['HTTP/1.1', askHttp1],
  ['HTTP/2', askHttp2],
])('takes a field for each of the many groups of a directory’s user, over %s', async (_version, ask) => {
  const groups = Array.from({ length: 9000 }, (_, i) => `CN=group-${i},OU=somewhere,DC=example,DC=com`);
  const onExchange = (exchange: Exchange) =>
    exchange.respond(200, {}, exchange.rawHeaders.filter((text) => text.startsWith('CN=')).join(' '));
  const { port } = await start(0, { onExchange });
  expect(await ask(port, { 'impersonate-group': groups })).toBe(groups.join(' '));
});

async function askHttp1(port: number, headers: OutgoingHttpHeaders): Promise<string> {
  const request = https.get({ host: '127.0.0.1', port, headers, rejectUnauthorized: false, agent: false });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return text(answer);
}

async function askHttp2(port: number, headers: OutgoingHttpHeaders): Promise<string> {
  const options = { rejectUnauthorized: false, maxSendHeaderBlockLength: 1 << 20 };
  const session = http2.connect(`https://127.0.0.1:${port}`, options);
  try {
    return await text(session.request(headers));
  } finally {
    session.destroy();
  }
}

/** What is not read to its end may be followed by a reset. */
async function answerOf(socket: TLSSocket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}
