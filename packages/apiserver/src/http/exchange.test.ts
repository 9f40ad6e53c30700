import { once } from 'node:events';
import https from 'node:https';
import { buffer, text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, it } from 'vitest';
import type { Exchange } from './exchange.ts';
import { type Listener, listen } from './listener.ts';
import { onFault, selfSigned } from './testing.ts';

let listener: Listener | undefined;
afterEach(() => listener?.close(0));

/** PUTs one after the other over one connection of HTTP/1.1; in a thread, since what is sent must not wait for the server. */
const CLIENT = `
const https = require('node:https');
const { workerData: { port, ca, size, count }, parentPort } = require('node:worker_threads');
const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca });
const put = () => new Promise((resolve) => {
  const request = https.request({ host: '127.0.0.1', port, agent, method: 'PUT' }, (response) => {
    let length = 0;
    response.on('data', (chunk) => { length += chunk.length; });
    response.on('end', () => resolve({ length, isFirst: !request.reusedSocket }));
    response.on('error', (error) => resolve(error.code));
  });
  request.on('error', (error) => resolve(error.code)).end(Buffer.alloc(size));
});
(async () => {
  const seen = [];
  for (let i = 0; i < count; i++) seen.push(await put());
  agent.destroy();
  parentPort.postMessage(seen);
})();
`;

const SIZE = 100 * 1024;
const COUNT = 4;

/** Others have work in this turn: long enough for the client to have its answer and to send its next request. */
function keepBusy(): void {
  for (const end = performance.now() + 20; performance.now() < end; );
}

it.each<[string, (exchange: Exchange) => void]>([
  [
    'whole',
    (exchange) => {
      exchange.respond(200, {}, Buffer.alloc(SIZE));
      keepBusy();
    },
  ],
  [
    'in pieces',
    (exchange) => {
      const stream = exchange.begin(200, {});
      stream.write(Buffer.alloc(1), () =>
        setImmediate(() => {
          stream.end(Buffer.alloc(SIZE - 1));
          keepBusy();
        }),
      );
    },
  ],
])('a large answer at the end of a turn, %s, leaves the connection to the next request', async (_, answer) => {
  const certificate = await selfSigned('127.0.0.1');
  const onExchange = async (exchange: Exchange) => {
    await buffer(exchange.body);
    setImmediate(() => answer(exchange));
  };
  const material = { certificate, named: [], clientCa: undefined };
  listener = await listen({
    host: '127.0.0.1',
    port: 0,
    material,
    onExchange: (exchange) => void onExchange(exchange),
    onFault,
  });
  const workerData = { port: listener.port, ca: certificate.cert, size: SIZE, count: COUNT };
  const client = new Worker(CLIENT, { eval: true, workerData });
  const seen = await new Promise((resolve) => client.once('message', resolve));
  expect(seen).toEqual(Array.from({ length: COUNT }, (_, i) => ({ length: SIZE, isFirst: i === 0 })));
});

it('an answer before the body has been read arrives, and its connection ends', async () => {
  const certificate = await selfSigned('127.0.0.1');
  const material = { certificate, named: [], clientCa: undefined };
  listener = await listen({
    host: '127.0.0.1',
    port: 0,
    material,
    onExchange: (exchange) => exchange.respond(413, {}, Buffer.alloc(SIZE)),
    onFault,
  });
  const workerData = { port: listener.port, ca: certificate.cert, size: 8 * 1024 * 1024, count: 2 * COUNT };
  const client = new Worker(CLIENT, { eval: true, workerData });
  const seen = await new Promise((resolve) => client.once('message', resolve));
  expect(seen).toEqual(Array.from({ length: 2 * COUNT }, () => ({ length: SIZE, isFirst: true })));
});

it.each([
  [['a/b', 'c/d'], 'a/b'],
  [['', 'c/d'], ''],
  [['a/b, c/d'], 'a/b, c/d'],
])('of the Accept headers %j of HTTP/1.1 the first counts', async (accept, counted) => {
  const certificate = await selfSigned('127.0.0.1');
  const material = { certificate, named: [], clientCa: undefined };
  const onExchange = (exchange: Exchange) => exchange.respond(200, {}, String(exchange.headers.accept));
  listener = await listen({ host: '127.0.0.1', port: 0, material, onExchange, onFault });
  const request = https.get({ host: '127.0.0.1', port: listener.port, ca: certificate.cert, headers: { accept } });
  const [response] = await once(request, 'response');
  expect(await text(response)).toBe(counted);
});

it.each([99, 1000])('a status of %i is none: the connection is cut', async (status) => {
  const certificate = await selfSigned('127.0.0.1');
  const material = { certificate, named: [], clientCa: undefined };
  const onExchange = (exchange: Exchange) => exchange.respond(status, {}, 'x');
  listener = await listen({ host: '127.0.0.1', port: 0, material, onExchange, onFault });
  const request = https.get({ host: '127.0.0.1', port: listener.port, ca: certificate.cert });
  const [error] = (await once(request, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
});
