import { once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { ClientConnection } from './client.ts';
import type { ConnectionError } from './client-stream.ts';
import { FRAME, FrameReader, frame, PREFACE, settingsFrame } from './frames.ts';
import { encodeFields } from './hpack.ts';

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

type Answer = (stream: ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

async function connected(answer: Answer, settings: http2.Settings = {}): Promise<ClientConnection> {
  const server = http2.createServer({ settings }).on('stream', (stream, headers) => {
    stream.on('error', () => {});
    answer(stream, headers);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const connection = new ClientConnection(connect((server.address() as AddressInfo).port, '127.0.0.1'));
  open.push(() => connection.destroy());
  open.push(() => server.close());
  await connection.accepted;
  return connection;
}

const REQUEST = { ':method': 'POST', ':scheme': 'http', ':path': '/', ':authority': 'a' };

interface Outcome {
  readonly headers: Record<string, string>[];
  readonly body: string;
  readonly error?: ConnectionError | undefined;
}

function ask(connection: ClientConnection, body: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const headers: Record<string, string>[] = [];
    const chunks: Buffer[] = [];
    connection.request(encodeFields(Object.entries(REQUEST)), Buffer.from(body), {
      headers: (fields) => headers.push(Object.fromEntries(fields)),
      data: (bytes) => chunks.push(bytes),
      end: (error) => resolve({ headers, body: Buffer.concat(chunks).toString(), error }),
    });
  });
}

/** Answers with the body that came, and trailers. */
const echo: Answer = (stream) => {
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  stream.on('end', () => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ outcome: 'fine' }));
    stream.end(Buffer.concat(pieces));
  });
};

it('tells headers, data and trailers', async () => {
  const connection = await connected(echo);
  const { headers, body, error } = await ask(connection, 'question');
  expect(headers).toEqual([expect.objectContaining({ ':status': '200' }), { outcome: 'fine' }]);
  expect([body, error]).toEqual(['question', undefined]);
});

it.each([
  ['a small window', { initialWindowSize: 1000 }, 200_000],
  ['the usual one', {}, 1_500_000],
  ['more than the windows of its own', {}, 20 << 20],
])('sends and takes bodies of any length: %s', async (_what, settings, length) => {
  const connection = await connected(echo, settings);
  const text = Array.from({ length: length / 10 }, (_, i) => String(i).padStart(10)).join('');
  const answers = await Promise.all([ask(connection, text), ask(connection, 'short'), ask(connection, text)]);
  expect(answers.map(({ body }) => body === text || body)).toEqual([true, 'short', true]);
});

it('has no more requests under way than the peer takes', async () => {
  let underWay = 0;
  let most = 0;
  const answer: Answer = (stream, headers) => {
    most = Math.max(most, ++underWay);
    stream.once('close', () => underWay--);
    setTimeout(() => echo(stream, headers), 1);
  };
  const connection = await connected(answer, { maxConcurrentStreams: 3 });
  const texts = Array.from({ length: 20 }, (_, i) => `${i}`);
  expect((await Promise.all(texts.map((text) => ask(connection, text)))).map(({ body }) => body)).toEqual(texts);
  expect(most).toBe(3);
});

it('says nothing more of what was given up, and goes on', async () => {
  const reset = Promise.withResolvers<number>();
  const connection = await connected((stream, headers) => {
    if (headers[':path'] !== '/slow') echo(stream, headers);
    else stream.once('close', () => reset.resolve(stream.rstCode));
  });
  const told: string[] = [];
  const cancel = connection.request(encodeFields(Object.entries({ ...REQUEST, ':path': '/slow' })), Buffer.alloc(0), {
    headers: () => told.push('headers'),
    data: () => told.push('data'),
    end: () => told.push('end'),
  });
  expect((await ask(connection, 'next')).body).toBe('next');
  cancel();
  expect(await reset.promise).toBe(http2.constants.NGHTTP2_CANCEL);
  expect((await ask(connection, 'another')).body).toBe('another');
  expect(told).toEqual([]);
});

it('ends when its requests have, once it is closed', async () => {
  const connection = await connected((stream, headers) => setTimeout(() => echo(stream, headers), 5));
  const asked = ask(connection, 'last');
  connection.close();
  expect(() => connection.request(Buffer.alloc(0), Buffer.alloc(0), undefined as never)).toThrow(
    'the connection is over',
  );
  expect((await asked).body).toBe('last');
});

it.each<[what: string, answer: Answer, wasSent: boolean]>([
  ['it is reset', (stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR), true],
  ['it is refused', (stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM), false],
  ['the connection is lost', (stream) => stream.session!.destroy(), true],
])('tells whether the peer may have done what it was asked for: %s', async (_what, answer, wasSent) => {
  const connection = await connected(answer);
  expect((await ask(connection, 'question')).error).toMatchObject({ wasSent });
});

it('tells of what a peer that goes away has not looked at', async () => {
  const server = createServer((socket) => {
    socket.write(settingsFrame([]));
    const control = (type: number) => {
      if (type === FRAME.headers) socket.write(frame(FRAME.goAway, 0, 0, Buffer.alloc(8)));
    };
    const reader = new FrameReader({ data: () => {}, control });
    let greeting = PREFACE.length;
    socket.on('data', (bytes: Buffer) => {
      reader.read(bytes.subarray(greeting));
      greeting -= Math.min(greeting, bytes.length);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const connection = new ClientConnection(connect((server.address() as AddressInfo).port, '127.0.0.1'));
  open.push(() => server.close());
  await connection.accepted;
  expect((await ask(connection, 'question')).error).toMatchObject({ wasSent: false });
  expect(connection.isOver).toBe(true);
});

it('has no use for a peer that speaks otherwise', async () => {
  const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  open.push(() => server.close());
  const connection = new ClientConnection(connect((server.address() as AddressInfo).port, '127.0.0.1'));
  await expect(connection.accepted).rejects.toThrow(/frame of \d+ bytes/);
  expect(connection.isOver).toBe(true);
});
