import { once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createSecureContext } from 'node:tls';
import { type Clock, ManualClock, systemClock } from '@keelson/api/clock';
import { afterEach, expect, it } from 'vitest';
import { UnaryChannel } from './unary.ts';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function addressOf(server: Server | http2.Http2Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(server);
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function channel(address: string, tls = false, clock: Clock = systemClock): UnaryChannel {
  const made = new UnaryChannel({ address, isSocket: false, tls: tls ? createSecureContext() : undefined }, clock);
  open.unshift(made);
  return made;
}

const ask = (channel: UnaryChannel, text = 'ask', timeoutMs = 5000) =>
  channel.call({ path: '/s/M', message: Buffer.from(text), deadline: Date.now() + timeoutMs, maxBytes: 100 });

/** Answers with what it was sent, message and prefix, in two pieces. */
async function echo(
  trailers: Record<string, string> = { 'grpc-status': '0' },
): Promise<{ address: string; sessions: number }> {
  const server = http2.createServer();
  const seen = { address: '', sessions: 0 };
  server.on('session', () => {
    seen.sessions++;
  });
  server.on('stream', (stream: ServerHttp2Stream) => {
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      const body = Buffer.concat(pieces);
      stream.write(body.subarray(0, 7));
      setTimeout(() => stream.end(body.subarray(7)), 5);
    });
  });
  seen.address = await addressOf(server);
  return seen;
}

it('sends a message and takes the answer, many at once on one connection', async () => {
  const server = await echo();
  const calls = channel(server.address);
  const texts = Array.from({ length: 20 }, (_, i) => `message ${i}`);
  expect((await Promise.all(texts.map((text) => ask(calls, text)))).map(String)).toEqual(texts);
  expect(server.sessions).toBe(1);
  calls.renew();
  await ask(calls);
  expect(server.sessions).toBe(2);
});

it('tells what the peer refuses with, and refuses what is too large', async () => {
  const refusing = await echo({ 'grpc-status': '11', 'grpc-message': 'etcdserver: 100%25 compacted' });
  await expect(ask(channel(refusing.address))).rejects.toMatchObject({
    status: 'OutOfRange',
    details: 'etcdserver: 100% compacted',
  });
  const { address } = await echo();
  await expect(ask(channel(address), 'x'.repeat(101))).rejects.toMatchObject({ status: 'ResourceExhausted' });
});

it.each([false, true])('gives up on a peer that says nothing, TLS: %s', async (tls) => {
  const address = await addressOf(createServer((socket) => open.unshift({ close: () => socket.destroy() })));
  const why = 'No connection established. Last error: no answer in time. Resolution note: ';
  await expect(ask(channel(address, tls), 'ask', 50)).rejects.toMatchObject({ status: 'Unavailable', details: why });
});

it('gives up on a peer that takes a call and says nothing of it, when the clock says so', async () => {
  const server = http2.createServer();
  const taken = once(server, 'stream');
  const clock = new ManualClock();
  const calls = channel(await addressOf(server), false, clock);
  const answer = calls.call({ path: '/s/M', message: Buffer.from('ask'), deadline: 3000, maxBytes: 100 });
  const [, headers] = (await taken) as [unknown, Record<string, string>];
  expect(headers['grpc-timeout']).toBe('3000m');
  clock.advance(3000);
  await expect(answer).rejects.toMatchObject({ status: 'DeadlineExceeded', details: 'Deadline exceeded' });
});

it('says that nothing was sent where the peer ends the connection before its first word', async () => {
  const heard: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('data', (bytes) => {
      heard.push(bytes);
      socket.destroy();
    });
  });
  await expect(ask(channel(await addressOf(server)))).rejects.toMatchObject({
    status: 'Unavailable',
    details: expect.stringMatching(/^No connection established/) as string,
  });
  expect(Buffer.concat(heard).includes('/s/M')).toBe(false);
});

it('tells where there was no connection, and where one was lost', async () => {
  await expect(ask(channel('127.0.0.1:1'))).rejects.toMatchObject({
    status: 'Unavailable',
    details: expect.stringMatching(/^No connection established\. Last error: connect ECONNREFUSED/) as string,
  });
  const server = http2.createServer();
  server.on('stream', (stream: ServerHttp2Stream) => stream.session?.destroy());
  const lost = ask(channel(await addressOf(server)));
  await expect(lost).rejects.toMatchObject({
    status: 'Unavailable',
    details: expect.not.stringMatching(/^No connection/) as string,
  });
});
