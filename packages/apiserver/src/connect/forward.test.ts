import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RequestContext } from '../context.ts';
import { type Backend, BackendPool } from './backend.ts';
import { type ForwardExtras, forward } from './forward.ts';

let backend: Backend;
let server: http.Server;
let pool: BackendPool;
/** What the backend does with the requests of one connection, in order; after that it answers. */
let script: ((request: http.IncomingMessage, response: http.ServerResponse) => void)[];
const served = new WeakMap<Socket, number>();
const seen: string[] = [];

beforeEach(async () => {
  script = [];
  seen.length = 0;
  server = http.createServer((request, response) => {
    const count = served.get(request.socket) ?? 0;
    served.set(request.socket, count + 1);
    seen.push(`${request.method} ${request.url}`);
    const act = script[count] ?? ((_request, answer) => answer.end('hello'));
    act(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  backend = { scheme: 'http', host: '127.0.0.1', port: String(port), path: '/a', query: '', tls: {} };
  pool = new BackendPool();
});
afterEach(() => {
  pool.close();
  server.close();
  server.closeAllConnections();
});

/** @returns status and body of the answer */
async function ask(method = 'GET', extras: ForwardExtras = {}): Promise<[status: number, body: string]> {
  const out = new PassThrough();
  let status = 0;
  let whole = '';
  const exchange = {
    method,
    url: '/a?b=c',
    headers: {},
    rawHeaders: [],
    remoteAddress: '',
    hasBody: method === 'POST',
    body: Readable.from(method === 'POST' ? ['body'] : []),
    bytesSent: 0,
    onClose: () => {},
    begin(code: number) {
      status = code;
      return out;
    },
    respond(code: number, _headers: object, body: string) {
      status = code;
      whole = body;
      out.end();
    },
    abort: () => out.destroy(),
  };
  const ctx = { exchange, info: { path: '/a' }, auditId: 'id', warnings: [] } as object as RequestContext;
  const body = out.toArray();
  await forward(ctx, backend, { pool, requestHeader: undefined, register: () => () => {} }, extras);
  return [status, whole || Buffer.concat((await body) as Buffer[]).toString()];
}

test('what is asked for goes out once more when a connection had been closed', async () => {
  script = [(_request, response) => response.end('first'), ({ socket }) => socket.destroy()];
  expect(await ask()).toEqual([200, 'first']);
  expect(await ask()).toEqual([200, 'first']);
  expect(seen).toEqual(['GET /a?b=c', 'GET /a?b=c', 'GET /a?b=c']);
});

test('what changes something does not, nor what fails on a new connection', async () => {
  script = [(_request, response) => response.end('first'), ({ socket }) => socket.destroy()];
  await ask();
  await expect(ask('POST')).rejects.toThrow('error trying to reach service: EOF');
  script = [({ socket }) => socket.destroy()];
  await expect(ask()).rejects.toThrow('error trying to reach service: EOF');
  expect(seen).toHaveLength(3);
});

test('redirections are refused where they are not wanted', async () => {
  const redirect = (_request: object, response: http.ServerResponse) =>
    response.writeHead(302, { location: '/b' }).end();
  script = [redirect, redirect];
  expect(await ask('GET', { rejectsRedirects: true })).toEqual([
    502,
    'the backend attempted to redirect this request, which is not permitted',
  ]);
});

test('an answer that takes too long is given up', async () => {
  script = [() => {}];
  await expect(ask('GET', { timeoutMs: 20 })).rejects.toThrow('context deadline exceeded');
});
