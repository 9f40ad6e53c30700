/**
 * The server's end of a connection of HTTP/2 (RFC 9113), for what an API server serves: many small answers, and watches. A request
 * through `node:http2` costs 18 µs of CPU before anybody looks at it, and 6 through this; its streams are objects that only
 * JavaScript knows, of which a collection of garbage has nothing to ask (bench/README.md).
 *
 *     socket ──▶ frames ──▶ header block ──▶ ServerStream ──▶ onStream
 *                  └──────▶ data ──▶ its body, as far as its window reaches; more when that has been taken
 *     respond, begin ──▶ HEADERS, DATA… ──▶ all of one turn in one write to the socket
 *                          no room in the client's windows: waits for WINDOW_UPDATE
 *                          the socket is full: waits until it has drained
 */
import type { Socket } from 'node:net';
import type { Clock } from '@keelson/api/clock';
import { Allowance } from './allowance.ts';
import { type Block, BlockReader } from './blocks.ts';
import {
  checkFrame,
  DEFAULT_WINDOW,
  ERROR,
  FLAG,
  FRAME,
  FrameReader,
  frame,
  goAwayFrame,
  MAX_WINDOW,
  PREFACE,
  ProtocolError,
  resetFrame,
  SETTING,
  settingsFrame,
  settingsOf,
  windowUpdate,
} from './frames.ts';
import { encodeFields, type Field } from './hpack.ts';
import { Outlet } from './outlet.ts';
import { ReceiveWindow } from './receive-window.ts';
import { areTrailers, requestHead } from './request.ts';
import { ServerStream, type StreamLink } from './server-stream.ts';

export interface ServerOptions {
  readonly maxConcurrentStreams: number;
  /** Of a request's fields, as HTTP/2 counts them (RFC 9113, 10.5.1): more is 431. */
  readonly maxHeaderListBytes: number;
  /** How much of a body may come before it is taken. */
  readonly streamWindow: number;
  /** The same of all bodies of the connection. */
  readonly connectionWindow: number;
  /** Milliseconds of a clock that never goes backwards. */
  readonly now: () => number;
  /** By which answers are given up that the client makes no room for. */
  readonly clock: Clock;
  readonly onStream: (stream: ServerStream) => void;
  /** What was thrown while something that came was looked at: the connection has ended by it, and no other. */
  readonly onFault: (error: unknown) => void;
}

/** Of answers to frames that nobody reads. */
const MAX_UNREAD = 1 << 20;
/** Streams that clients give up: so many at once, and so many each second (CVE-2023-44487; nghttp2's figures). */
const RESETS = 1000;
const RESETS_PER_SECOND = 33;
/** Frames of settings, each of which is about all streams: clients send one or two. */
const SETTINGS = 100;
const SETTINGS_PER_SECOND = 10;
/** Streams that were answered before all of their bodies had come, of which more may come. */
const MAX_CUT = 1000;
/** For what was said last to arrive before the connection is closed, when it has left, and to leave. */
const LINGER_MS = 1000;
const FAREWELL_MS = 60_000;
const NOTHING = Buffer.alloc(0);

export class ServerConnection implements StreamLink {
  readonly socket: Socket;
  readonly #options: ServerOptions;
  readonly #outlet: Outlet;
  readonly #streams = new Map<number, ServerStream>();
  /** By number, those whose bodies are not wanted any more. */
  readonly #cut = new Set<number>();
  readonly #blocks: BlockReader;
  readonly #resets: Allowance;
  readonly #changes: Allowance;
  #lastId = 0;
  /** Of new streams. */
  #sendRoom = DEFAULT_WINDOW;
  readonly #window: ReceiveWindow;
  #isGreeted = false;
  /** It takes no more streams. */
  #isLeaving = false;
  #isOver = false;

  /** @param socket on which HTTP/2 was agreed */
  constructor(socket: Socket, options: ServerOptions) {
    this.socket = socket;
    this.#options = options;
    this.#blocks = new BlockReader(options.maxHeaderListBytes);
    this.#window = new ReceiveWindow(options.connectionWindow);
    this.#resets = new Allowance(RESETS, RESETS_PER_SECOND, options.now);
    this.#changes = new Allowance(SETTINGS, SETTINGS_PER_SECOND, options.now);
    this.#outlet = new Outlet(socket, (stream) => this.#answered(stream as ServerStream), {
      clock: options.clock,
      onStalled: (stream) => this.reset(stream as ServerStream, ERROR.cancel),
    });
    this.#outlet.send(
      settingsFrame([
        [SETTING.maxConcurrentStreams, options.maxConcurrentStreams],
        [SETTING.initialWindowSize, options.streamWindow],
        [SETTING.maxHeaderListSize, options.maxHeaderListBytes],
      ]),
    );
    this.#outlet.send(windowUpdate(0, options.connectionWindow - DEFAULT_WINDOW));
    const frames = new FrameReader({
      data: (id, flags, piece, last, size) => this.#data(id, flags, piece, last, size),
      control: (type, flags, id, payload) => this.#control(type, flags, id, payload),
    });
    let greeting: Buffer = NOTHING;
    socket.on('data', (bytes: Buffer) => {
      if (this.#isOver) return;
      try {
        const missing = PREFACE.length - greeting.length;
        if (missing > 0) greeting = greetingOf(greeting, bytes.subarray(0, missing));
        if (bytes.length > missing) frames.read(missing > 0 ? bytes.subarray(missing) : bytes);
      } catch (error) {
        if (error instanceof ProtocolError) this.#fail(error.code);
        else {
          this.#fail(ERROR.internal);
          options.onFault(error);
        }
      }
    });
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#close());
  }

  /** How many requests are under way. */
  get openStreams(): number {
    return this.#streams.size;
  }

  /** Takes no more requests; the connection ends with those that are under way. */
  leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#outlet.send(goAwayFrame(this.#lastId, ERROR.none));
    if (this.#streams.size === 0) this.#end();
  }

  sendHead(stream: ServerStream, fields: Iterable<Field>, isLast: boolean): void {
    this.#outlet.block(stream.id, encodeFields(fields), isLast);
    if (isLast) this.#answered(stream);
  }

  sendBody(stream: ServerStream): void {
    this.#outlet.body(stream);
  }

  consumed(stream: ServerStream, bytes: number): void {
    this.#giveBack(bytes);
    if (stream.isWholeBody || stream.isClosed) return;
    const more = stream.window.take(bytes);
    if (more > 0) this.#outlet.send(windowUpdate(stream.id, more));
  }

  reset(stream: ServerStream, code: number): void {
    if (!stream.isWholeBody) this.#ignore(stream.id);
    this.#outlet.send(resetFrame(stream.id, code));
    this.#forget(stream, false);
  }

  #giveBack(bytes: number): void {
    const more = this.#window.take(bytes);
    if (more > 0 && !this.#isOver) this.#outlet.send(windowUpdate(0, more));
  }

  #answered(stream: ServerStream): void {
    if (!stream.isWholeBody) {
      // The rest of its body is not wanted (RFC 9113, 8.1).
      this.#ignore(stream.id);
      this.#outlet.send(resetFrame(stream.id, ERROR.none));
    }
    this.#forget(stream, true);
  }

  #ignore(id: number): void {
    this.#cut.add(id);
    if (this.#cut.size <= MAX_CUT) return;
    const [oldest] = this.#cut;
    this.#cut.delete(oldest!);
  }

  #forget(stream: ServerStream, isAnswered: boolean): void {
    this.#streams.delete(stream.id);
    this.#outlet.drop(stream);
    stream.onClosed(isAnswered);
    if (this.#isLeaving && this.#streams.size === 0) this.#end();
  }

  /** After what was said last, for which a client may take its time. */
  #end(): void {
    process.nextTick(() => {
      if (this.socket.destroyed || this.socket.writableEnded) return;
      const close = () => this.socket.destroy();
      setTimeout(close, FAREWELL_MS).unref();
      this.socket.end(() => setTimeout(close, LINGER_MS).unref());
    });
  }

  /** The client is told why, and nothing more. */
  #fail(code: number): void {
    this.#isLeaving = true;
    this.#outlet.send(goAwayFrame(this.#lastId, code));
    this.#close();
    this.#end();
  }

  #close(): void {
    this.#isOver = true;
    for (const stream of [...this.#streams.values()]) this.#forget(stream, false);
  }

  #data(id: number, flags: number, piece: Buffer, isPieceLast: boolean, size: number): void {
    if (!this.#isGreeted || id === 0 || !this.#mayBe(id)) throw new ProtocolError(ERROR.protocol, 'data of nothing');
    if (!this.#window.arrive(size)) throw new ProtocolError(ERROR.flowControl, 'more data than there is room for');
    const stream = this.#streams.get(id);
    const isLast = isPieceLast && (flags & FLAG.endStream) !== 0;
    if (!stream) {
      if (!this.#cut.has(id)) throw new ProtocolError(ERROR.streamClosed, 'data of a stream that is closed');
      if (isLast) this.#cut.delete(id);
      this.#giveBack(size);
      return;
    }
    const hadRoom = stream.window.arrive(size);
    if (size > piece.length) this.consumed(stream, size - piece.length);
    if (stream.isWholeBody) this.reset(stream, ERROR.streamClosed);
    else if (!hadRoom) this.reset(stream, ERROR.flowControl);
    else if (!stream.onData(piece, isLast)) this.reset(stream, ERROR.protocol);
  }

  #control(type: number, flags: number, id: number, payload: Buffer): void {
    if (!this.#isGreeted && type !== FRAME.settings) throw new ProtocolError(ERROR.protocol, 'settings come first');
    if (this.#blocks.takes(type)) {
      const block = this.#blocks.read(type, flags, id, payload);
      if (block) this.#headers(block);
      return;
    }
    checkFrame(type, flags, id, payload.length);
    const stream = this.#streams.get(id);
    if (OF_STREAMS.has(type) && !this.#mayBe(id)) throw new ProtocolError(ERROR.protocol, 'a frame of no stream');
    switch (type) {
      case FRAME.settings:
        if (!(flags & FLAG.ack)) this.#settings(payload);
        return;
      case FRAME.ping:
        if (!(flags & FLAG.ack)) this.#reply(frame(FRAME.ping, FLAG.ack, 0, payload));
        return;
      case FRAME.reset:
        this.#cut.delete(id);
        if (!this.#resets.take()) throw new ProtocolError(ERROR.enhanceYourCalm, 'streams are given up too often');
        if (stream) this.#forget(stream, false);
        return;
      case FRAME.windowUpdate:
        this.#makeRoom(id, stream, payload.readUInt32BE(0) & MAX_WINDOW);
    }
  }

  /** Whether there has been such a stream: those behind the farewell are nobody's. */
  #mayBe(id: number): boolean {
    return id <= this.#lastId || this.#isLeaving;
  }

  /** To frames that a client may send as often as it likes, as long as it reads what it is told. */
  #reply(bytes: Buffer): void {
    if (this.#outlet.unread > MAX_UNREAD) this.socket.destroy();
    else this.#outlet.send(bytes);
  }

  #settings(payload: Buffer): void {
    this.#isGreeted = true;
    if (!this.#changes.take()) throw new ProtocolError(ERROR.enhanceYourCalm, 'settings change too often');
    // Of several values of one setting the last one holds.
    for (const [setting, value] of new Map(settingsOf(payload))) {
      if (setting === SETTING.maxFrameSize) this.#outlet.maxFrame = value;
      if (setting !== SETTING.initialWindowSize) continue;
      const more = value - this.#sendRoom;
      this.#sendRoom = value;
      for (const stream of [...this.#streams.values()]) this.#outlet.makeRoom(stream, more);
    }
    this.#reply(frame(FRAME.settings, FLAG.ack, 0, NOTHING));
  }

  #makeRoom(id: number, stream: ServerStream | undefined, bytes: number): void {
    const isOfStream = id !== 0;
    if (bytes === 0 && !isOfStream) throw new ProtocolError(ERROR.protocol, 'room of no bytes');
    if (!isOfStream) this.#outlet.makeRoom(undefined, bytes);
    else if (stream && bytes === 0) this.reset(stream, ERROR.protocol);
    else if (stream && stream.sendRoom + bytes > MAX_WINDOW) this.reset(stream, ERROR.flowControl);
    else if (stream) this.#outlet.makeRoom(stream, bytes);
  }

  #headers({ id, isLast, fields, isCut }: Block): void {
    const stream = this.#streams.get(id);
    if (stream) {
      this.#trailers(stream, isLast, fields);
      return;
    }
    if (id % 2 === 0) throw new ProtocolError(ERROR.protocol, 'a stream of no number for it');
    if (id <= this.#lastId) {
      if (this.#cut.delete(id)) return;
      throw new ProtocolError(ERROR.streamClosed, 'a stream that has been');
    }
    // What has come after the farewell is asked for again elsewhere, and what belongs to it passed over.
    if (this.#isLeaving) {
      if (isLast) this.#cut.delete(id);
      else this.#ignore(id);
      return;
    }
    this.#lastId = id;
    if (this.#streams.size >= this.#options.maxConcurrentStreams) {
      if (!isLast) this.#ignore(id);
      this.#reply(resetFrame(id, ERROR.refusedStream));
      return;
    }
    const head = requestHead(fields);
    if (!head || (isLast && (head.length ?? 0) > 0)) {
      if (!isLast) this.#ignore(id);
      this.#reply(resetFrame(id, ERROR.protocol));
      return;
    }
    const opened = new ServerStream(id, head, !isLast, this, [this.#sendRoom, this.#options.streamWindow]);
    this.#streams.set(id, opened);
    if (isCut) opened.respond(TOO_MUCH, NOTHING);
    else this.#options.onStream(opened);
  }

  #trailers(stream: ServerStream, isLast: boolean, fields: readonly Field[]): void {
    if (stream.isWholeBody) this.reset(stream, ERROR.streamClosed);
    else if (!isLast || !areTrailers(fields) || !stream.onData(NOTHING, true)) this.reset(stream, ERROR.protocol);
  }
}

const TOO_MUCH: readonly Field[] = [
  [':status', '431'],
  ['content-length', '0'],
];

/** Frames that are of a stream, other than its fields and data. */
const OF_STREAMS: ReadonlySet<number> = new Set([FRAME.reset, FRAME.windowUpdate]);

/** @param said so far. @throws ProtocolError where it is another one */
function greetingOf(said: Buffer, bytes: Buffer): Buffer {
  const greeting = Buffer.concat([said, bytes]);
  if (!PREFACE.subarray(0, greeting.length).equals(greeting)) throw new ProtocolError(ERROR.protocol, 'not HTTP/2');
  return greeting;
}
