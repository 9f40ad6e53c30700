import type { PassThrough } from 'node:stream';
import type { Exchange } from '@keelson/apiserver/http/exchange';
import { Client, ConnectionError, systemWorld } from '@keelson/client';
import { expect, test } from 'vitest';
import { LocalTransport } from './local-transport.ts';
import { createAuthority, issue } from './pki/certificate.ts';

const now = new Date();
const authority = await createAuthority('ca', now);
const { certificate } = await issue({ commonName: 'system:kube-scheduler', usage: 'client' }, authority, now);

/** A server of one handler. */
function clientOf(handle: (exchange: Exchange) => void): Client {
  const transport = new LocalTransport({ accept: handle }, certificate);
  return new Client({ transport, component: 'test', world: systemWorld() });
}

test('a request arrives with its certificate, and its answer comes back', async () => {
  let seen: Exchange | undefined;
  const client = clientOf((exchange) => {
    seen = exchange;
    exchange.respond(200, { 'content-type': 'application/json' }, '{"kind":"Pod","metadata":{"name":"a"}}');
  });
  const pod = await client.resource('pods').get({ namespace: 'n', name: 'a' });
  expect(pod.metadata.name).toBe('a');
  expect(seen?.url).toBe('/api/v1/namespaces/n/pods/a');
  expect(seen?.peer?.chain[0]?.subject).toBe('CN=system:kube-scheduler');
  expect(seen?.rawHeaders).toContain('user-agent');
});

test('a body is read as from a socket', async () => {
  const client = clientOf(async (exchange) => {
    const chunks: Buffer[] = [];
    for await (const chunk of exchange.body) chunks.push(chunk as Buffer);
    exchange.respond(201, {}, Buffer.concat(chunks));
  });
  const made = await client
    .resource('configmaps')
    .create({ metadata: { namespace: 'n', name: 'c' }, data: { a: 'b' } });
  expect(made.data).toEqual({ a: 'b' });
});

test('a watch that the client leaves is over for the server', async () => {
  const over = Promise.withResolvers<void>();
  const client = clientOf((exchange) => {
    exchange.onClose(over.resolve);
    exchange.begin(200, {}).write('{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"1"}}}\n');
  });
  for await (const event of client.resource('pods').watch({ namespace: 'n' })) {
    expect(event.type).toBe('ADDED');
    break;
  }
  await over.promise;
});

test('a watch that the server breaks off is a broken connection', async () => {
  const client = clientOf((exchange) => {
    (exchange.begin(200, {}) as PassThrough).write('{"type"');
    setImmediate(() => exchange.abort());
  });
  const events = async () => {
    for await (const _ of client.resource('pods').watch({ namespace: 'n' }));
  };
  await expect(events()).rejects.toThrow(ConnectionError);
});

test('an aborted request ends at once, and so does a closed connection', async () => {
  const transport = new LocalTransport({ accept: () => {} }, certificate);
  const request = { method: 'GET', path: '/', headers: {} } as const;
  const aborted = transport.send({ ...request, signal: AbortSignal.timeout(10) });
  await expect(aborted).rejects.toThrow('aborted due to timeout');
  const waiting = transport.send(request);
  transport.close();
  await expect(waiting).rejects.toThrow(ConnectionError);
  await expect(transport.send(request)).rejects.toThrow('closed');
});
