import { once } from 'node:events';
import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { ManualClock } from '@keelson/api/clock';
import { settingsFrame } from '@keelson/component/http2/frames';
import { afterEach, expect, it } from 'vitest';
import { framed } from './grpc.ts';
import { MessageStream } from './message-stream.ts';

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

class CountingClock extends ManualClock {
  timers = 0;

  override after(ms: number, callback: () => void): () => void {
    this.timers++;
    return super.after(ms, callback);
  }
}

type Peer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

const answered: Peer = (stream) => stream.respond({ ':status': 200, 'content-type': 'application/grpc' });

async function streamTo(peer: Peer, address?: string) {
  const sessions: http2.ServerHttp2Session[] = [];
  const server = http2.createServer().on('session', (session) => sessions.push(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    peer(stream, headers);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  open.push(() => server.close());
  const clock = new CountingClock(0);
  const messages: string[] = [];
  const ended = Promise.withResolvers<void>();
  let isEnded = false;
  const stream = new MessageStream(
    { address: address ?? `127.0.0.1:${(server.address() as AddressInfo).port}`, isSocket: false, tls: undefined },
    '/etcdserverpb.Watch/Watch',
    { clock, maxBytes: 100_000, headers: { hasleader: 'true' } },
    {
      message: (bytes) => messages.push(bytes.toString()),
      end: () => {
        isEnded = true;
        ended.resolve();
      },
    },
  );
  open.push(() => stream.cancel());
  const until = async (isThere: () => boolean) => {
    while (!isThere()) await new Promise((resolve) => setImmediate(resolve));
  };
  return { stream, clock, messages, sessions, ended: ended.promise, isEnded: () => isEnded, until };
}

it('carries messages both ways, however they are cut', async () => {
  let seen: IncomingHttpHeaders = {};
  const { stream, messages, until, isEnded } = await streamTo((peer, headers) => {
    seen = headers;
    answered(peer, headers);
    peer.on('data', (bytes: Buffer) => {
      for (const byte of bytes.subarray(0, 20)) peer.write(Buffer.from([byte]));
      peer.write(bytes.subarray(20));
    });
  });
  stream.write(Buffer.from('one'));
  stream.write(Buffer.from('two'));
  await until(() => messages.length === 2);
  stream.write(Buffer.alloc(50_000, 'x'));
  stream.write(Buffer.from(''));
  await until(() => messages.length === 4);
  expect(messages).toEqual(['one', 'two', 'x'.repeat(50_000), '']);
  expect(seen).toMatchObject({ ':path': '/etcdserverpb.Watch/Watch', hasleader: 'true', te: 'trailers' });
  expect(isEnded()).toBe(false);
});

it.each<[what: string, peer: Peer]>([
  ['the peer ends it', (peer) => peer.respond({ ':status': 200, 'grpc-status': '14' }, { endStream: true })],
  ['it is no gRPC', (peer) => peer.respond({ ':status': 404 })],
  ['the connection is lost', (peer) => peer.session!.destroy()],
  [
    'a message is too large',
    (peer, headers) => {
      answered(peer, headers);
      peer.write(framed(Buffer.alloc(100_000)));
    },
  ],
])('tells of its end when %s', async (_what, peer) => {
  const { ended, messages } = await streamTo(peer);
  await ended;
  expect(messages).toEqual([]);
});

it('tells of its end where nobody is', async () => {
  const { ended, isEnded } = await streamTo(answered, '127.0.0.1:1');
  await ended;
  expect(isEnded()).toBe(true);
});

it('says nothing of an end of its own', async () => {
  const { stream, until, sessions, isEnded } = await streamTo(() => {});
  await until(() => sessions.length > 0);
  // Whether the peer has read it all or not, it learns of the end: by a FIN, or by a reset.
  const closed = new Promise<void>((resolve) => sessions[0]!.on('error', () => {}).once('close', resolve));
  stream.write(Buffer.from('one'));
  await new Promise((resolve) => setTimeout(resolve, 0));
  stream.cancel();
  await closed;
  expect(isEnded()).toBe(false);
});

it('asks a silent peer whether it is there', async () => {
  const { clock, sessions, isEnded, until, messages } = await streamTo((peer, headers) => {
    answered(peer, headers);
    peer.write(framed(Buffer.from('hello')));
  });
  await until(() => messages.length > 0);
  const pinged = once(sessions[0]!, 'ping');
  clock.advance(30_000);
  await pinged;
  // The answer has come when what was sent behind it has.
  await new Promise<void>((resolve) => sessions[0]!.ping(() => resolve()));
  clock.advance(10_000);
  expect(isEnded()).toBe(false);
});

it('gives up a peer that does not say so', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}).resume());
    socket.write(settingsFrame([]));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  open.push(() => server.close());
  const { clock, ended, isEnded, until } = await streamTo(
    answered,
    `127.0.0.1:${(server.address() as AddressInfo).port}`,
  );
  // That of the peer's first word, then that of the next ping.
  await until(() => clock.timers > 1);
  clock.advance(30_000);
  expect(isEnded()).toBe(false);
  clock.advance(10_000);
  await ended;
  expect(sockets).toHaveLength(1);
});
