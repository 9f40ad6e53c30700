/** Watchers that never read: each is cut off at its bound, the server's memory stays bounded, others notice nothing. */
import { readFile } from 'node:fs/promises';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiClient, apiClient } from '../support/api-client.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';

const WATCHERS = 20;
const UPDATES = 160;
const VALUE_BYTES = 700 * 1024;
/** The bound of one watcher's backlog is 32 MiB, and backlogs share their frames. */
const MEMORY_MIB = 700;

let server: ApiServer;
let client: ApiClient;
const sockets: TLSSocket[] = [];

beforeAll(async () => {
  server = await startApiServer('memory');
  client = apiClient(server.url, server.token);
}, 60_000);
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  client.close();
  await server.stop();
});

async function residentMiB(): Promise<number> {
  const status = await readFile(`/proc/${server.program.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
}

/** Reads nothing after the request went out. */
function deafWatcher(path: string): Promise<TLSSocket> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve) => {
    const socket = connect(
      { host: hostname, port: Number(port), ca: server.ca, checkServerIdentity: () => undefined },
      () => {
        socket.pause();
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\n\r\n`);
        resolve(socket);
      },
    );
    socket.on('error', () => {});
    sockets.push(socket);
  });
}

/** Reads what there is, until the last chunk or the end of the connection. */
function endOfAnswer(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('close', () => resolve());
    socket.on('data', (bytes: Buffer) => {
      if (bytes.toString('latin1').endsWith('0\r\n\r\n')) resolve();
    });
    socket.resume();
  });
}

it('watchers that never read cost a bounded amount of memory', { timeout: 120_000 }, async () => {
  const collection = '/api/v1/namespaces/default/configmaps';
  expect((await client.send('POST', collection, { metadata: { name: 'big' }, data: { v: '' } })).status).toBe(201);
  await Promise.all(Array.from({ length: WATCHERS }, () => deafWatcher(`${collection}?watch=1`)));
  for (let i = 0; i < UPDATES; i++) {
    const data = { v: String(i).padEnd(VALUE_BYTES, 'x') };
    expect((await client.send('PUT', `${collection}/big`, { metadata: { name: 'big' }, data })).status).toBe(200);
  }
  const gone = Promise.all(sockets.map(endOfAnswer));
  expect(await residentMiB()).toBeLessThan(MEMORY_MIB);
  expect((await client.send('GET', '/livez')).body).toBe('ok');
  expect(await gone).toHaveLength(WATCHERS);
});
