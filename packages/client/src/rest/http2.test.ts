import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { collect } from '../testing/collect.ts';
import { startProxy } from '../testing/proxy.ts';
import { manualWorld } from '../testing/world.ts';
import { Http2Transport } from './http2.ts';
import type { TlsMaterial } from './tls.ts';

const material = (): TlsMaterial => ({
  context: createSecureContext(),
  serverName: undefined,
  insecureSkipVerify: false,
});
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

type Handler = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

/** A server without TLS, and a transport to it. */
async function serve(handler: Handler, settings: http2.Settings = {}, proxy?: URL) {
  const server = http2.createServer({ settings });
  const sessions: http2.ServerHttp2Session[] = [];
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    handler(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { clock } = manualWorld();
  let tls = material();
  const options = { server: `http://127.0.0.1:${port}/base/`, tls: async () => tls, clock, proxy };
  const transport = new Http2Transport(options);
  cleanups.push(() => {
    transport.close();
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { transport, sessions, clock, server, renew: () => (tls = material()) };
}

const get = (path = '/x', signal?: AbortSignal) => ({ method: 'GET', path, headers: {}, signal }) as const;
const text = async (body: AsyncIterable<Uint8Array>) => Buffer.concat(await collect(body)).toString();

describe('Http2Transport', () => {
  it('sends path, headers and body, and reads the answer', async () => {
    const { transport } = await serve(async (stream, headers) => {
      const body = await text(stream);
      stream.respond({ ':status': 201, 'x-seen': `${headers[':method']} ${headers[':path']} ${headers.a}` });
      stream.end(body.toUpperCase());
    });
    const answer = await transport.send({
      method: 'POST',
      path: '/p?q=1',
      headers: { a: 'b' },
      body: Buffer.from('hi'),
    });
    expect([answer.status, answer.headers['x-seen'], await text(answer.body)]).toEqual([
      201,
      'POST /base/p?q=1 b',
      'HI',
    ]);
  });

  it.each(['http', 'socks5'] as const)('goes through a proxy of %s', async (scheme) => {
    const proxy = await startProxy(scheme);
    cleanups.push(() => proxy.close());
    const { transport, server } = await serve((stream) => stream.end('there'), {}, new URL(proxy.url));
    expect(await text((await transport.send(get())).body)).toBe('there');
    expect(proxy.targets).toEqual([`127.0.0.1:${(server.address() as AddressInfo).port}`]);
  });

  it('is not there behind a proxy that does not want', async () => {
    const { transport } = await serve(() => {}, {}, new URL('http://127.0.0.1:1'));
    await expect(transport.send(get())).rejects.toThrow('proxyconnect: connect ECONNREFUSED 127.0.0.1:1');
  });

  it('keeps a body until it is read, however late', async () => {
    const { transport } = await serve((stream) => {
      stream.respond({ ':status': 200 });
      stream.end('whole');
    });
    const { body } = await transport.send(get());
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await text(body)).toBe('whole');
  });

  it('opens more connections when streams run out, and waits when they are all full', async () => {
    const open: http2.ServerHttp2Stream[] = [];
    const { transport, sessions } = await serve((stream) => open.push(stream), { maxConcurrentStreams: 2 });
    const answers = Array.from({ length: 33 }, () => transport.send(get()));
    await expect.poll(() => open.length).toBe(32);
    expect(sessions.length).toBe(16);
    open[0]!.respond({ ':status': 200 });
    open[0]!.end();
    await expect.poll(() => open.length).toBe(33);
    for (const stream of open.slice(1)) {
      stream.respond({ ':status': 200 });
      stream.end();
    }
    expect((await Promise.all(answers)).every(({ status }) => status === 200)).toBe(true);
  });

  it('connects again after the connection was lost', async () => {
    let count = 0;
    const { transport, sessions } = await serve((stream) => {
      count += 1;
      if (count === 1) return sessions[0]!.destroy();
      stream.respond({ ':status': 200 });
      stream.end('again');
    });
    await expect(transport.send(get())).rejects.toMatchObject({ loss: 'broken' });
    expect(await text((await transport.send(get())).body)).toBe('again');
  });

  it('lets streams run on when the server says goodbye', async () => {
    const open: http2.ServerHttp2Stream[] = [];
    const { transport, sessions } = await serve((stream) => {
      open.push(stream);
      stream.respond({ ':status': 200 });
      stream.write('a');
    });
    const first = await transport.send(get());
    sessions[0]!.goaway(http2.constants.NGHTTP2_NO_ERROR);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await transport.send(get());
    expect(sessions.length).toBe(2);
    open[0]!.end('b');
    expect(await text(first.body)).toBe('ab');
  });

  it('cuts what runs on connections that were left when it is closed', async () => {
    const { transport, sessions, renew } = await serve((stream) => stream.respond({ ':status': 200 }));
    const left = await transport.send(get());
    renew();
    await transport.send(get());
    expect(sessions.length).toBe(2);
    transport.close();
    await expect(text(left.body)).rejects.toThrow();
  });

  it('takes a new connection for new credentials', async () => {
    const { transport, sessions, renew } = await serve((stream) => {
      stream.respond({ ':status': 200 });
      stream.end();
    });
    await transport.send(get());
    await transport.send(get());
    renew();
    await transport.send(get());
    expect(sessions.length).toBe(2);
  });

  it('tells a body that breaks off from one that ends', async () => {
    const { transport, sessions } = await serve((stream) => {
      stream.respond({ ':status': 200 });
      stream.write('half');
      setTimeout(() => sessions[0]!.destroy(), 20);
    });
    const { body } = await transport.send(get());
    await expect(text(body)).rejects.toMatchObject({ loss: 'broken' });
  });

  it('a refused stream was not processed', async () => {
    const { transport } = await serve((stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM));
    await expect(transport.send(get())).rejects.toMatchObject({ loss: 'unprocessed' });
  });

  it('abort cancels the stream, before and amid the answer', async () => {
    const closed: number[] = [];
    const { transport } = await serve((stream, headers) => {
      stream.once('close', () => closed.push(stream.rstCode));
      if (headers[':path'] === '/base/late') return;
      stream.respond({ ':status': 200 });
      stream.write('a');
    });
    for (const path of ['/late', '/amid']) {
      const controller = new AbortController();
      const reading = transport.send(get(path, controller.signal)).then(({ body }) => text(body));
      setTimeout(() => controller.abort(new Error('enough')), 20);
      await expect(reading).rejects.toThrow('enough');
    }
    await expect.poll(() => closed).toEqual([http2.constants.NGHTTP2_CANCEL, http2.constants.NGHTTP2_CANCEL]);
  });

  it('leaving the body cancels the stream', async () => {
    let closed = false;
    const { transport } = await serve((stream) => {
      stream.once('close', () => {
        closed = true;
      });
      stream.respond({ ':status': 200 });
      stream.write('a');
    });
    for await (const _ of (await transport.send(get())).body) break;
    await expect.poll(() => closed).toBe(true);
  });

  it('gives up a connection that is silent and does not answer pings', async () => {
    const { transport, clock } = await serve((stream) => stream.respond({ ':status': 200 }));
    const reading = transport.send(get()).then(({ body }) => text(body));
    reading.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (let i = 0; i < 5; i++) {
      clock.advance(30_000);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    // The answer to a ping cannot arrive while the clock is being moved.
    clock.advance(80_000);
    await expect(reading).rejects.toMatchObject({ loss: 'broken', message: 'the server does not answer' });
  });

  it('a server that is not there is unreachable', async () => {
    const transport = new Http2Transport({
      server: 'http://127.0.0.1:1',
      tls: async () => material(),
      clock: manualWorld().clock,
    });
    await expect(transport.send(get())).rejects.toMatchObject({ loss: 'unreachable' });
  });
});
