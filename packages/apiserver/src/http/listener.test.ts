import { once } from 'node:events';
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

it.each([
  ['GET /a?b HTTP/1.1', '200 OK', '/a?b'],
  ['GET https://proxied.example:8443/a?b HTTP/1.1', '200 OK', '/a?b'],
  ['GET http://proxied.example HTTP/1.1', '200 OK', '/'],
  ['FOO /a HTTP/1.1', '405 Method Not Allowed', undefined],
  ['GET /a HTTP/9', '400 Bad Request', '400 Bad Request'],
  [`GET /${'a'.repeat(65_560)} HTTP/1.1`, '431 Request Header Fields Too Large', '431 Request Header Fields Too Large'],
])('HTTP/1.1: %.60s is %s', async (line, status, body) => {
  const onExchange = (exchange: Exchange) => exchange.respond(200, {}, exchange.url);
  const { port } = await start(0, { onExchange });
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  socket.write(`${line}\r\nHost: server\r\nConnection: close\r\n\r\n`);
  const [head, text] = (await answerOf(socket)).split('\r\n\r\n');
  expect(head!.split('\r\n')[0]).toBe(`HTTP/1.1 ${status}`);
  if (body !== undefined) expect(text).toBe(body);
});

/** What is not read to its end may be followed by a reset. */
async function answerOf(socket: TLSSocket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}
