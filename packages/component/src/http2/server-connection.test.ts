import { once } from 'node:events';
import http2 from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ManualClock } from '@keelson/api/clock';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ERROR, FLAG, FRAME, FrameReader, frame, PREFACE, SETTING, settingsFrame, windowUpdate } from './frames.ts';
import { encodeFields, FieldReader } from './hpack.ts';
import { ServerConnection, type ServerOptions } from './server-connection.ts';
import type { ServerStream } from './server-stream.ts';

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

type Handler = (stream: ServerStream) => void;

const OPTIONS = {
  maxConcurrentStreams: 10,
  maxHeaderListBytes: 16_384,
  streamWindow: 65_535,
  connectionWindow: 200_000,
  now: () => 0,
  clock: new ManualClock(),
  onFault: (error: unknown) => {
    throw error;
  },
};

interface Served {
  readonly port: number;
  readonly connections: ServerConnection[];
}

async function serve(onStream: Handler, options: Partial<ServerOptions> = {}): Promise<Served> {
  const connections: ServerConnection[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    connections.push(new ServerConnection(socket, { ...OPTIONS, ...options, onStream }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  open.push(() => server.close());
  open.push(() => {
    for (const { socket } of connections) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, connections };
}

const OK = [[':status', '200']] as const;

/** Answers with the body that came. */
const echo: Handler = (stream) => {
  buffer(stream.body).then(
    (body) => stream.respond(OK, body),
    () => {},
  );
};

/** Answers in pieces of so many bytes. */
const pieces =
  (count: number, bytes: number): Handler =>
  (stream) => {
    const out = stream.begin(OK);
    const write = (left: number): void => {
      if (left === 0) out.end();
      else if (out.write(Buffer.alloc(bytes, left))) write(left - 1);
      else out.once('drain', () => write(left - 1));
    };
    write(count);
  };

describe('with the client of Node.js', () => {
  async function connected(handler: Handler, options: Partial<ServerOptions> = {}, settings: http2.Settings = {}) {
    const served = await serve(handler, options);
    const session = http2.connect(`http://127.0.0.1:${served.port}`, { settings });
    session.on('error', () => {});
    open.push(() => session.destroy());
    return { session, ...served };
  }

  interface Outcome {
    readonly status: unknown;
    readonly headers: http2.IncomingHttpHeaders;
    readonly body: Buffer;
    readonly code: number;
  }

  function ask(
    session: http2.ClientHttp2Session,
    headers: http2.OutgoingHttpHeaders,
    body?: Buffer | string,
  ): Promise<Outcome> {
    const request = session.request({ ':method': body === undefined ? 'GET' : 'POST', ...headers });
    let answered: http2.IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    request.on('response', (fields) => {
      answered = fields;
    });
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.end(body);
    return new Promise((resolve) =>
      request.on('close', () =>
        resolve({ status: answered[':status'], headers: answered, body: Buffer.concat(chunks), code: request.rstCode }),
      ),
    );
  }

  it('tells a request as it came', async () => {
    let seen: unknown;
    const { session } = await connected((stream) => {
      seen = stream.request;
      stream.respond([...OK, ['x-kind', 'a'], ['x-kind', 'b'], ['x-long', 'y'.repeat(40_000)]], Buffer.from('body'));
    });
    const answer = await ask(session, { ':path': '/a?b=c', 'x-list': ['1', '2'], cookie: ['a=b', 'c=d'] });
    expect(answer).toMatchObject({ status: 200, body: Buffer.from('body'), headers: { 'x-kind': 'a, b' } });
    expect(answer.headers['x-long']).toHaveLength(40_000);
    expect(seen).toMatchObject({
      method: 'GET',
      path: '/a?b=c',
      headers: { ':scheme': 'http', 'x-list': '1, 2', cookie: 'a=b; c=d' },
      rawHeaders: ['x-list', '1', 'x-list', '2', 'cookie', 'a=b', 'cookie', 'c=d'],
    });
  });

  it.each([
    ['of nothing', 0],
    ['that comes in one frame', 10_000],
    ['beyond all windows', 3_000_000],
  ])('takes a body %s, and sends it back', async (_what, bytes) => {
    const { session } = await connected(echo);
    const body = Buffer.alloc(bytes, 'abcdefg');
    const answers = await Promise.all([1, 2, 3].map(() => ask(session, {}, body)));
    for (const answer of answers) expect([answer.status, answer.body.equals(body)]).toEqual([200, true]);
  });

  it('gives away at once what has come as a whole', async () => {
    const taken: unknown[] = [];
    const { session } = await connected((stream) => {
      taken.push(stream.takeBody());
      const answer = () => {
        const body = stream.takeBody();
        if (!body) return setImmediate(answer);
        taken.push(Buffer.concat(body).toString());
        return buffer(stream.body).then((rest) => stream.respond(OK, rest));
      };
      answer();
    });
    expect((await ask(session, {}, 'all of it')).body.toString()).toBe('');
    expect(taken).toEqual([undefined, 'all of it']);
  });

  it.each([
    ['small windows', { initialWindowSize: 100 }, 50, 1000],
    ['the usual ones', {}, 100, 64 * 1024],
  ])('sends pieces as the client makes room for them: %s', async (_what, settings, count, bytes) => {
    const { session } = await connected(pieces(count, bytes), {}, settings);
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask(session, {})));
    const wanted = Buffer.concat(Array.from({ length: count }, (_, i) => Buffer.alloc(bytes, count - i)));
    for (const { body } of answers) expect(body.equals(wanted)).toBe(true);
  });

  it('holds no more of an answer than the client reads', async () => {
    let written = 0;
    const { session } = await connected((stream) => {
      const out = stream.begin(OK);
      const write = (): void => {
        while (written < 1 << 24) {
          written += 16_384;
          if (!out.write(Buffer.alloc(16_384))) break;
        }
      };
      out.on('drain', write);
      write();
    });
    const request = session.request({});
    await once(request, 'response');
    request.pause();
    // The server has heard of all that the client had room for.
    for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => session.ping(() => resolve()));
    expect(written).toBeLessThan(1 << 20);
  });

  it('ends what the client gives up, and says so', async () => {
    const closed = Promise.withResolvers<ServerStream>();
    const { session } = await connected((stream) => {
      if (stream.request.path !== '/slow') echo(stream);
      else {
        stream.begin(OK).write('x');
        stream.onClose(() => closed.resolve(stream));
      }
    });
    const slow = session.request({ ':path': '/slow' });
    await once(slow, 'data');
    slow.close(http2.constants.NGHTTP2_CANCEL);
    expect((await closed.promise).isClosed).toBe(true);
    expect((await ask(session, {}, 'next')).body.toString()).toBe('next');
  });

  it('cuts an answer off', async () => {
    const { session } = await connected((stream) => {
      stream.begin(OK).write('half', () => stream.reset(ERROR.internal));
    });
    expect(await ask(session, {})).toMatchObject({ status: 200, code: ERROR.internal });
  });

  it('has the client wait for what it expects', async () => {
    const { session } = await connected(echo);
    const request = session.request({ ':method': 'POST', expect: '100-continue' });
    await once(request, 'continue');
    request.end('now');
    expect((await buffer(request)).toString()).toBe('now');
  });

  it('leaves when those under way have been answered', async () => {
    const waiting: ServerStream[] = [];
    const { session, connections } = await connected((stream) => waiting.push(stream));
    const asked = ask(session, {});
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const leaving = once(session, 'goaway');
    const closed = once(session, 'close');
    connections[0]!.leave();
    expect((await leaving)[0]).toBe(ERROR.none);
    waiting[0]!.respond(OK, Buffer.from('last'));
    expect((await asked).body.toString()).toBe('last');
    await closed;
    expect(connections[0]!.openStreams).toBe(0);
  });

  it('refuses more requests at once than it takes', async () => {
    const { session } = await connected(() => {}, { maxConcurrentStreams: 2 });
    session.request({});
    session.request({});
    // Sent before the client knows of the limit.
    expect((await ask(session, {})).code).toBe(ERROR.refusedStream);
  });

  it.each([
    ['many', Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`x-${i}`, '']))],
    ['long', { 'x-long': 'y'.repeat(20_000) }],
  ])('has an answer for fields that are too %s', async (_what, headers) => {
    const { session } = await connected(echo);
    expect((await ask(session, headers)).status).toBe(431);
    expect((await ask(session, {}, 'next')).body.toString()).toBe('next');
  });
});

describe('with a client that does as it likes', () => {
  const REQUEST = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':authority', 'a'],
    [':path', '/'],
  ] as const;
  const head = (id: number, flags: number, ...fields: (readonly [string, string])[]): Buffer =>
    frame(FRAME.headers, FLAG.endHeaders | flags, id, encodeFields([...REQUEST, ...fields]));
  const data = (id: number, flags: number, text: string): Buffer => frame(FRAME.data, flags, id, Buffer.from(text));
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };

  /** What a server says, one line for each frame, until one of `until` or the end of the connection. */
  async function told(handler: Handler, bytes: readonly Buffer[], until: RegExp, options = {}): Promise<string[]> {
    const { port } = await serve(handler, options);
    const socket: Socket = connect(port, '127.0.0.1');
    open.push(() => socket.destroy());
    socket.on('error', () => {});
    const lines: string[] = [];
    const fields = new FieldReader();
    const done = Promise.withResolvers<void>();
    const say = (line: string): void => {
      lines.push(line);
      if (until.test(line)) done.resolve();
    };
    const reader = new FrameReader({
      data: (id, flags, piece) => say(`data ${id} ${piece}${flags & FLAG.endStream ? ' end' : ''}`),
      control: (type, flags, id, payload) => {
        if (type === FRAME.headers) say(`status ${id} ${new Map(fields.read(payload).fields).get(':status')}`);
        else if (type === FRAME.reset) say(`reset ${id} ${payload.readUInt32BE(0)}`);
        else if (type === FRAME.goAway) say(`goaway ${payload.readUInt32BE(4)}`);
        else if (type === FRAME.ping) say(`ping ${flags} ${payload}`);
      },
    });
    socket.on('data', (piece: Buffer) => reader.read(piece));
    socket.on('close', () => {
      say('closed');
      done.resolve();
    });
    for (const piece of bytes) socket.write(piece);
    await done.promise;
    return lines;
  }

  const GREETING = [PREFACE, settingsFrame([])];
  const END = FLAG.endStream;

  it.each<[what: string, sent: Buffer[], wanted: string[]]>([
    [
      'padding and priority',
      [
        frame(
          FRAME.headers,
          FLAG.endHeaders | FLAG.padded | FLAG.priority,
          1,
          Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 7]), encodeFields(REQUEST), Buffer.alloc(2)]),
        ),
        frame(
          FRAME.data,
          FLAG.padded | END,
          1,
          Buffer.concat([Buffer.from([3]), Buffer.from('text'), Buffer.alloc(3)]),
        ),
      ],
      ['status 1 200', 'data 1 text end'],
    ],
    [
      'a block in several frames',
      [
        frame(FRAME.headers, 0, 1, encodeFields(REQUEST).subarray(0, 3)),
        frame(FRAME.continuation, 0, 1, encodeFields(REQUEST).subarray(3, 5)),
        frame(FRAME.continuation, FLAG.endHeaders, 1, encodeFields(REQUEST).subarray(5)),
        data(1, END, 'text'),
      ],
      ['status 1 200', 'data 1 text end'],
    ],
    [
      'more fields than it looks at',
      [
        head(1, END, ...Array.from({ length: 500 }, () => ['x', ''] as const), ['Not a name', '']),
        head(3, 0),
        data(3, END, 'text'),
      ],
      ['status 1 431', 'status 3 200', 'data 3 text end'],
    ],
    [
      'trailers',
      [head(1, 0), data(1, 0, 'text'), frame(FRAME.headers, FLAG.endHeaders | END, 1, encodeFields([['x', 'y']]))],
      ['status 1 200', 'data 1 text end'],
    ],
    [
      'a frame of a type that nobody knows',
      [frame(99, 0, 5, Buffer.alloc(3)), head(1, 0), data(1, END, 'text')],
      ['status 1 200', 'data 1 text end'],
    ],
    [
      'a body without an end that is empty',
      [head(1, 0), data(1, 0, 'text'), data(1, END, '')],
      ['status 1 200', 'data 1 text end'],
    ],
  ])('takes %s', async (_what, sent, wanted) => {
    expect(await told(echo, [...GREETING, ...sent], /end/)).toEqual(wanted);
  });

  it('answers before the body has come, which it does not want then', async () => {
    const early: Handler = (stream) => stream.respond([[':status', '413']], Buffer.from('too much'));
    const sent = [head(1, 0), data(1, 0, 'some'), data(1, 0, 'more'), data(1, END, 'last'), head(3, END)];
    expect(await told(early, [...GREETING, ...sent], /data 3/)).toEqual([
      'status 1 413',
      'data 1 too much end',
      'reset 1 0',
      'status 3 413',
      'data 3 too much end',
    ]);
  });

  it('answers to the end though a client that has not heard its farewell asks for more', async () => {
    let answer = (): void => {};
    const handler: Handler = (stream) => {
      answer = () => stream.respond(OK, Buffer.from('last'));
    };
    const { port, connections } = await serve(handler);
    const socket: Socket = connect(port, '127.0.0.1');
    open.push(() => socket.destroy());
    socket.write(Buffer.concat([...GREETING, head(1, END)]));
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    while (!connections[0]?.openStreams) await turn();
    connections[0].leave();
    const late = [head(3, 0), data(3, 0, 'some'), windowUpdate(3, 10), data(3, END, 'more'), head(5, 0), head(5, END)];
    const cancelled = [head(7, 0), frame(FRAME.reset, 0, 7, number(ERROR.cancel))];
    const ping = frame(FRAME.ping, 0, 0, Buffer.from('12345678'));
    socket.write(Buffer.concat([...late, ...cancelled, ping]));
    const lines: string[] = [];
    const reader = new FrameReader({
      data: (id, _flags, piece) => lines.push(`data ${id} ${piece}`),
      control: (type, _flags, id, payload) => {
        if (type === FRAME.ping) answer();
        if (type === FRAME.goAway) lines.push(`goaway ${payload.readUInt32BE(4)}`);
        if (type === FRAME.reset) lines.push(`reset ${id}`);
      },
    });
    socket.on('data', (piece: Buffer) => reader.read(piece));
    await once(socket, 'end');
    expect(lines).toEqual(['goaway 0', 'data 1 last']);
  });

  it('has a slow client hear its last answer to the end', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const written: (() => void)[] = [];
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => void written.push(done) });
    const connection = new ServerConnection(socket as Socket, {
      ...OPTIONS,
      onStream: (stream) => stream.respond(OK, Buffer.from('last')),
    });
    socket.push(Buffer.concat([...GREETING, head(1, END)]));
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    await turn();
    connection.leave();
    await turn();
    vi.advanceTimersByTime(30_000);
    expect(socket.destroyed).toBe(false);
    for (; !socket.writableFinished; await turn()) written.shift()?.();
    vi.advanceTimersByTime(999);
    expect(socket.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(socket.destroyed).toBe(true);
  });

  it('ends alone by an error of ours, which is told', async () => {
    const faults: unknown[] = [];
    const fault = new Error('of ours');
    const handler: Handler = (stream) => {
      if (stream.id === 3) throw fault;
    };
    const sent = [...GREETING, head(1, END), head(3, END)];
    const heard = await told(handler, sent, /goaway/, { onFault: (error: unknown) => faults.push(error) });
    expect(heard).toContain(`goaway ${ERROR.internal}`);
    expect(faults).toEqual([fault]);
  });

  it('answers a ping', async () => {
    const ping = frame(FRAME.ping, 0, 0, Buffer.from('12345678'));
    expect(await told(echo, [...GREETING, ping], /ping/)).toEqual(['ping 1 12345678']);
  });

  it.each<[what: string, sent: Buffer[], code: number]>([
    ['data after its end', [head(1, END), data(1, 0, 'x')], ERROR.streamClosed],
    ['a second block that is not its end', [head(1, 0), head(1, 0)], ERROR.protocol],
    ['trailers with a method', [head(1, 0), head(1, END)], ERROR.protocol],
    ['less data than it said', [head(1, 0, ['content-length', '5']), data(1, END, 'four')], ERROR.protocol],
    ['more data than it said', [head(1, 0, ['content-length', '3']), data(1, 0, 'four')], ERROR.protocol],
    ['a length and no body', [head(1, END, ['content-length', '3'])], ERROR.protocol],
    ['a header of HTTP/1.1', [head(1, END, ['connection', 'close'])], ERROR.protocol],
    ['room of no bytes', [head(1, 0), windowUpdate(1, 0)], ERROR.protocol],
    ['more room than there can be', [head(1, 0), windowUpdate(1, 2 ** 31 - 1)], ERROR.flowControl],
  ])('ends a stream of %s, and leaves the others', async (_what, sent, code) => {
    const never: Handler = (stream) => stream.id > 1 && echo(stream);
    const lines = await told(never, [...GREETING, ...sent, head(3, 0), data(3, END, 'next')], /data 3/);
    expect(lines).toEqual([`reset 1 ${code}`, 'status 3 200', 'data 3 next end']);
  });

  it.each<[what: string, sent: Buffer[], code: number]>([
    ['another protocol', [Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')], ERROR.protocol],
    ['no settings', [PREFACE, head(1, END)], ERROR.protocol],
    ['a number that is even', [...GREETING, head(2, END)], ERROR.protocol],
    [
      'a stream that has been',
      [...GREETING, head(3, END), frame(FRAME.reset, 0, 3, number(8)), head(3, END)],
      ERROR.streamClosed,
    ],
    ['data of no stream', [...GREETING, data(1, 0, 'x')], ERROR.protocol],
    ['data of the connection', [...GREETING, data(0, 0, 'x')], ERROR.protocol],
    ['the end of no stream', [...GREETING, frame(FRAME.reset, 0, 1, number(8))], ERROR.protocol],
    ['room for no stream', [...GREETING, windowUpdate(1, 1)], ERROR.protocol],
    ['room of no bytes', [...GREETING, windowUpdate(0, 0)], ERROR.protocol],
    ['more room than there can be', [...GREETING, windowUpdate(0, 2 ** 31 - 1)], ERROR.flowControl],
    [
      'windows beyond all bounds',
      [...GREETING, settingsFrame([[SETTING.initialWindowSize, 2 ** 31]])],
      ERROR.flowControl,
    ],
    ['frames that are too small', [...GREETING, settingsFrame([[SETTING.maxFrameSize, 16_383]])], ERROR.protocol],
    ['a ping of seven bytes', [...GREETING, frame(FRAME.ping, 0, 0, Buffer.alloc(7))], ERROR.frameSize],
    ['a ping of a stream', [...GREETING, frame(FRAME.ping, 0, 1, Buffer.alloc(8))], ERROR.protocol],
    ['a push', [...GREETING, frame(FRAME.pushPromise, FLAG.endHeaders, 1, Buffer.alloc(4))], ERROR.protocol],
    ['a frame that is too long', [...GREETING, frame(99, 0, 0, Buffer.alloc(16_385))], ERROR.frameSize],
    [
      'nothing but padding',
      [...GREETING, head(1, 0), frame(FRAME.data, FLAG.padded, 1, Buffer.from([4, 0, 0, 0]))],
      ERROR.protocol,
    ],
    [
      'a continuation of nothing',
      [...GREETING, frame(FRAME.continuation, FLAG.endHeaders, 1, Buffer.alloc(0))],
      ERROR.protocol,
    ],
    [
      'a frame amid a block',
      [...GREETING, frame(FRAME.headers, 0, 1, encodeFields(REQUEST)), frame(FRAME.ping, 0, 0, Buffer.alloc(8))],
      ERROR.protocol,
    ],
    [
      'a block without an end',
      [
        ...GREETING,
        frame(FRAME.headers, 0, 1, Buffer.alloc(0)),
        ...Array.from({ length: 70 }, () => frame(FRAME.continuation, 0, 1, Buffer.alloc(0))),
      ],
      ERROR.enhanceYourCalm,
    ],
    [
      'a block that is none',
      [...GREETING, frame(FRAME.headers, FLAG.endHeaders | END, 1, Buffer.from([0xff, 0xff]))],
      ERROR.compression,
    ],
    [
      'more data than there is room for',
      [
        ...GREETING,
        ...[1, 3, 5, 7].flatMap((id) => [head(id, 0), ...[1, 2, 3, 4].map(() => data(id, 0, 'x'.repeat(16_000)))]),
      ],
      ERROR.flowControl,
    ],
  ])('has no use for a client of %s', async (_what, sent, code) => {
    const lines = await told(() => {}, sent, /closed/);
    expect(lines.slice(-2)).toEqual([`goaway ${code}`, 'closed']);
  });

  it('has no use for a client that gives up one request after the other', async () => {
    const rapid = Array.from({ length: 1001 }, (_, i) => [
      head(2 * i + 1, END),
      frame(FRAME.reset, 0, 2 * i + 1, number(ERROR.cancel)),
    ]).flat();
    const lines = await told(() => {}, [...GREETING, ...rapid], /closed/);
    expect(lines).toEqual([`goaway ${ERROR.enhanceYourCalm}`, 'closed']);
  });

  it('has no use for a client that changes its settings all the time', async () => {
    const changes = Array.from({ length: 101 }, (_, i) => settingsFrame([[SETTING.initialWindowSize, i]]));
    const lines = await told(() => {}, [...GREETING, ...changes], /closed/);
    expect(lines).toEqual([`goaway ${ERROR.enhanceYourCalm}`, 'closed']);
  });

  it('takes the last of several values of a setting', async () => {
    const settings = settingsFrame([1, 2, 3, 4].map((value) => [SETTING.initialWindowSize, value] as const));
    const answer: Handler = (stream) => stream.respond(OK, Buffer.from('123456789'));
    expect(await told(answer, [PREFACE, settings, head(1, END)], /data/)).toEqual(['status 1 200', 'data 1 1234']);
  });

  it('gives up an answer that nothing makes room for, and waits for one that goes on, or is to go on', async () => {
    const clock = new ManualClock();
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    const streams: ServerStream[] = [];
    const connection = new ServerConnection(socket as Socket, {
      ...OPTIONS,
      clock,
      onStream: (stream) => {
        streams.push(stream);
        if (stream.id < 5) stream.respond(OK, Buffer.from('text'));
        else
          stream
            .begin(OK)
            .on('error', () => {})
            .write('text');
      },
    });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const noRoom = settingsFrame([[SETTING.initialWindowSize, 0]]);
    socket.push(Buffer.concat([PREFACE, noRoom, ...[1, 3, 5].map((id) => head(id, END))]));
    await turn();
    clock.advance(60_000);
    socket.push(windowUpdate(3, 1));
    await turn();
    expect(streams.map(({ isClosed }) => isClosed)).toEqual([false, false, false]);
    clock.advance(60_000);
    expect(streams.map(({ isClosed }) => isClosed)).toEqual([true, false, false]);
    clock.advance(60_000);
    expect(streams.map(({ isClosed }) => isClosed)).toEqual([true, true, false]);
    expect(connection.openStreams).toBe(1);
    socket.destroy();
  });

  it('does not answer for ever who does not read', async () => {
    const { port, connections } = await serve(() => {});
    const socket = connect(port, '127.0.0.1');
    open.push(() => socket.destroy());
    socket.on('error', () => {});
    socket.write(Buffer.concat(GREETING));
    const pings = Buffer.concat(Array.from({ length: 4096 }, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))));
    const more = (): void => {
      while (!socket.destroyed && socket.write(pings));
    };
    socket.on('drain', more);
    more();
    while (connections.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await once(connections[0]!.socket, 'close');
    expect(connections[0]!.openStreams).toBe(0);
  }, 20_000);
});
