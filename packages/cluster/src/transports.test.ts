import type { PassThrough } from 'node:stream';
import { MessageChannel } from 'node:worker_threads';
import type { Exchange } from '@keelson/apiserver/http/exchange';
import { Client, ConnectionError, systemWorld, type Transport } from '@keelson/client';
import { afterEach, describe, expect, test } from 'vitest';
import { LocalTransport } from './local-transport.ts';
import { createAuthority, issue } from './pki/certificate.ts';
import { PortClient, servePort } from './port-transport.ts';

const now = new Date();
const authority = await createAuthority('ca', now);
const { certificate } = await issue({ commonName: 'system:kube-scheduler', usage: 'client' }, authority, now);

type Handler = (exchange: Exchange) => void;
const local = (accept: Handler) => new LocalTransport({ accept }, certificate);
const ports: { close(): void }[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

function acrossThreads(accept: Handler): Transport {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1);
  servePort(port1, (given) => new LocalTransport({ accept }, given));
  return new PortClient(port2).connect(certificate);
}

describe.each([
  ['in one thread', local],
  ['across threads', acrossThreads],
])('%s', (_, connect) => {
  /** A server of one handler. */
  const clientOf = (handle: Handler) =>
    new Client({ transport: connect(handle), component: 'test', world: systemWorld() });

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

  test('a body stays its sender’s, who may send it again', async () => {
    const transport = connect((exchange) => exchange.respond(200, {}));
    const body = Buffer.from('{"kind":"ConfigMap"}');
    for (let i = 0; i < 2; i++) {
      const answer = await transport.send({ method: 'POST', path: '/', headers: {}, body });
      for await (const _ of answer.body);
    }
    expect(String(body)).toBe('{"kind":"ConfigMap"}');
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
    const transport = connect(() => {});
    const request = { method: 'GET', path: '/', headers: {} } as const;
    const aborted = transport.send({ ...request, signal: AbortSignal.timeout(10) });
    await expect(aborted).rejects.toThrow('aborted due to timeout');
    const waiting = transport.send(request);
    transport.close();
    await expect(waiting).rejects.toThrow(ConnectionError);
    await expect(transport.send(request)).rejects.toThrow('closed');
  });
});

test('what a reader across threads does not take is not sent', async () => {
  let sent = 0;
  const transport = acrossThreads((exchange) => {
    const stream = exchange.begin(200, {});
    const write = (): void => {
      let goOn = !exchange.closed;
      while (goOn) {
        goOn = stream.write(Buffer.alloc(64 << 10));
        sent += 64 << 10;
      }
      stream.once('drain', write);
    };
    write();
  });
  const { body } = await transport.send({ method: 'GET', path: '/', headers: {} });
  const settled = async () => {
    for (let before = -1; before !== sent; await new Promise((resolve) => setTimeout(resolve, 50))) before = sent;
    return sent;
  };
  const first = await settled();
  expect(first).toBeLessThan(3 << 20);
  let taken = 0;
  for await (const chunk of body) {
    taken += chunk.length;
    if (taken > 8 << 20) break;
  }
  expect(await settled()).toBeGreaterThan(8 << 20);
  expect(sent).toBeLessThan(12 << 20);
});
