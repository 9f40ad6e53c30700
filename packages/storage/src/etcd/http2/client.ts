/**
 * A client of HTTP/2 (RFC 9113) for what an RPC is: a block of header fields, a message, and the same back. A request through
 * `node:http2` is a stream of Node's with all that belongs to one, which cost 0.18 ms of a write of 0.9 (bench/README.md).
 *
 *     request ──▶ HEADERS, DATA… ──▶ all of one turn in one write to the socket
 *                   │ no room in the peer's windows: what is left waits for WINDOW_UPDATE
 *                   │ as many as the peer takes at once: waits for the end of another one
 *     socket ──▶ frames ──▶ headers(), data(), … end() of who has asked
 */
import type { Socket } from 'node:net';
import {
  DEFAULT_WINDOW,
  FLAG,
  FRAME,
  FrameReader,
  frame,
  MAX_FRAME,
  MAX_WINDOW,
  PREFACE,
  resetFrame,
  SETTING,
  settingsFrame,
  windowUpdate,
} from './frames.ts';
import { FieldReader } from './hpack.ts';

export interface RequestHandler {
  /** Of the answer: those before its data, and those behind it. */
  headers(fields: ReadonlyMap<string, string>): void;
  data(bytes: Buffer): void;
  /** Once, and nothing after it. @param error why there is no answer, or no more of it */
  end(error?: ConnectionError): void;
}

export class ConnectionError extends Error {
  /** Whether the peer may have done what it was asked for. */
  readonly wasSent: boolean;

  constructor(message: string, wasSent: boolean) {
    super(message);
    this.wasSent = wasSent;
  }
}

interface Stream {
  /** 0 as long as it waits for the end of another one. */
  id: number;
  readonly block: Buffer;
  readonly handler: RequestHandler;
  /** How much the peer takes of it. */
  room: number;
  /** What is still to be sent; empty when all is. */
  body: Buffer;
  /** Since more was last asked for. */
  received: number;
}

const STREAM_WINDOW = 1 << 20;
const CONNECTION_WINDOW = 16 << 20;
/** Of one block of header fields, with those that continue it. */
const MAX_BLOCK = 1 << 16;
const CANCEL = 8;
/** A connection is given up before its numbers of streams are. */
const LAST_STREAM = MAX_WINDOW - 2;
const NOTHING = Buffer.alloc(0);

export class ClientConnection {
  readonly #socket: Socket;
  readonly #fields = new FieldReader();
  readonly #streams = new Map<number, Stream>();
  /** Streams with a body that there was no room for. */
  readonly #blocked = new Set<Stream>();
  /** Who waits for the end of another one. */
  readonly #queue = new Set<Stream>();
  #out: Buffer[] = [];
  #nextId = 1;
  #room = DEFAULT_WINDOW;
  #streamRoom = DEFAULT_WINDOW;
  #maxFrame = MAX_FRAME;
  #maxStreams = Infinity;
  #received = 0;
  /** A block of header fields that is not whole, and what ends with it. */
  #block: { readonly id: number; readonly isLast: boolean; pieces: Buffer[] } | undefined;
  /** Data of a frame that is padded, whose end is to be known first. */
  #padded: Buffer[] = [];
  #isAccepted = false;
  #isOver = false;
  #accept!: () => void;
  #refuse!: (error: Error) => void;
  #cause: Error | undefined;
  /** Resolves at the peer's first word. Rejects with why there is no connection, or `null` where nobody says. */
  readonly accepted = new Promise<void>((resolve, reject) => {
    this.#accept = resolve;
    this.#refuse = reject;
  });

  /** @param socket on its way to the peer, with TLS or without */
  constructor(socket: Socket) {
    this.#socket = socket;
    // Those who wait for it are told; perhaps nobody does.
    this.accepted.catch(() => {});
    const frames = new FrameReader({
      data: (id, flags, piece, last) => this.#data(id, flags, piece, last),
      control: (type, flags, id, payload) => this.#control(type, flags, id, payload),
    });
    socket.setNoDelay(true);
    socket.write(
      Buffer.concat([
        PREFACE,
        settingsFrame([
          [SETTING.enablePush, 0],
          [SETTING.initialWindowSize, STREAM_WINDOW],
        ]),
        windowUpdate(0, CONNECTION_WINDOW - DEFAULT_WINDOW),
      ]),
    );
    socket.on('data', (bytes: Buffer) => {
      try {
        frames.read(bytes);
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.on('error', (error) => {
      this.#cause = error;
    });
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#closed());
  }

  /** Whether the peer has said its first word. */
  get isAccepted(): boolean {
    return this.#isAccepted;
  }

  /** It takes no more requests. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * @param block header fields as `encodeFields` makes them, 16 KiB at most. @returns gives it up: its handler is told nothing more
   * @throws Error where the connection takes none
   */
  request(block: Buffer, body: Buffer, handler: RequestHandler): () => void {
    if (this.#isOver) throw new Error('the connection is over');
    const stream = { id: 0, block, handler, room: 0, body, received: 0 };
    if (this.#streams.size < this.#maxStreams) this.#open(stream);
    else this.#queue.add(stream);
    return () => this.#cancel(stream);
  }

  /** Ends it when the requests that are under way have ended. */
  close(): void {
    this.#isOver = true;
    if (this.#streams.size === 0 && this.#queue.size === 0) this.#socket.destroySoon();
  }

  /** Requests under way fail. */
  destroy(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }

  #open(stream: Stream): void {
    const { block, body } = stream;
    stream.id = this.#nextId;
    stream.room = this.#streamRoom;
    this.#nextId += 2;
    if (this.#nextId > LAST_STREAM) this.#isOver = true;
    this.#streams.set(stream.id, stream);
    this.#send(frame(FRAME.headers, FLAG.endHeaders | (body.length === 0 ? FLAG.endStream : 0), stream.id, block));
    if (body.length > 0) this.#sendBody(stream);
  }

  /** As much of it as there is room for. */
  #sendBody(stream: Stream): void {
    while (stream.body.length > 0) {
      const size = Math.min(stream.body.length, stream.room, this.#room, this.#maxFrame);
      if (size <= 0) {
        this.#blocked.add(stream);
        return;
      }
      const isLast = size === stream.body.length;
      this.#send(frame(FRAME.data, isLast ? FLAG.endStream : 0, stream.id, stream.body.subarray(0, size)));
      stream.body = isLast ? NOTHING : stream.body.subarray(size);
      stream.room -= size;
      this.#room -= size;
    }
    this.#blocked.delete(stream);
  }

  /** What is sent until whoever runs now is done leaves together. */
  #send(bytes: Buffer): void {
    if (this.#out.push(bytes) > 1) return;
    process.nextTick(() => {
      const out = this.#out;
      this.#out = [];
      if (!this.#socket.destroyed) this.#socket.write(out.length === 1 ? out[0]! : Buffer.concat(out));
    });
  }

  #cancel(stream: Stream): void {
    if (this.#queue.delete(stream) || this.#streams.get(stream.id) !== stream) return;
    this.#send(resetFrame(stream.id, CANCEL));
    this.#forget(stream);
  }

  /** @param error as of {@link RequestHandler.end} */
  #end(stream: Stream, error?: ConnectionError): void {
    // It has answered without having heard all.
    if (stream.body.length > 0 && !error) this.#send(resetFrame(stream.id, CANCEL));
    this.#forget(stream);
    stream.handler.end(error);
  }

  #forget(stream: Stream): void {
    this.#streams.delete(stream.id);
    this.#blocked.delete(stream);
    for (const next of this.#queue) {
      if (this.#socket.destroyed || this.#streams.size >= this.#maxStreams) break;
      this.#queue.delete(next);
      this.#open(next);
    }
    if (this.#isOver && this.#streams.size === 0) this.#socket.destroySoon();
  }

  #closed(): void {
    this.#isOver = true;
    this.#refuse(new Error(this.#cause?.message ?? 'null'));
    const message = this.#cause?.message ?? 'the connection was closed';
    const waiting = [...this.#queue];
    this.#queue.clear();
    for (const stream of [...this.#streams.values()]) this.#end(stream, new ConnectionError(message, true));
    for (const { handler } of waiting) handler.end(new ConnectionError(message, false));
  }

  #data(id: number, flags: number, piece: Buffer, isLast: boolean): void {
    const stream = this.#streams.get(id);
    this.#credit(stream, piece.length);
    if (flags & FLAG.padded) {
      this.#padded.push(piece);
      if (!isLast) return;
      const whole = withoutPadding(Buffer.concat(this.#padded.splice(0)));
      if (whole.length > 0) stream?.handler.data(whole);
    } else if (piece.length > 0) stream?.handler.data(piece);
    // Who was told may have given it up.
    if (isLast && flags & FLAG.endStream && this.#streams.get(id) === stream && stream) this.#end(stream);
  }

  /** Gives back what was received, when half of a window is used up. */
  #credit(stream: Stream | undefined, bytes: number): void {
    this.#received += bytes;
    if (this.#received > CONNECTION_WINDOW / 2) {
      this.#send(windowUpdate(0, this.#received));
      this.#received = 0;
    }
    if (!stream) return;
    stream.received += bytes;
    if (stream.received <= STREAM_WINDOW / 2) return;
    this.#send(windowUpdate(stream.id, stream.received));
    stream.received = 0;
  }

  #control(type: number, flags: number, id: number, payload: Buffer): void {
    if (this.#block && type !== FRAME.continuation) throw new Error('a frame amid a block of header fields');
    switch (type) {
      case FRAME.headers:
        this.#block = { id, isLast: (flags & FLAG.endStream) !== 0, pieces: [headersOf(flags, payload)] };
        if (flags & FLAG.endHeaders) this.#headers();
        return;
      case FRAME.continuation:
        if (this.#block?.id !== id) throw new Error('a continuation of nothing');
        this.#block.pieces.push(Buffer.from(payload));
        if (this.#block.pieces.length * MAX_FRAME > MAX_BLOCK)
          throw new Error('a block of header fields without an end');
        if (flags & FLAG.endHeaders) this.#headers();
        return;
      case FRAME.reset: {
        const stream = this.#streams.get(id);
        const code = payload.readUInt32BE(0);
        if (stream) this.#end(stream, new ConnectionError(`Received RST_STREAM with code ${code}`, code !== REFUSED));
        return;
      }
      case FRAME.settings:
        if (!(flags & FLAG.ack)) this.#settings(payload);
        return;
      case FRAME.ping:
        if (!(flags & FLAG.ack)) this.#send(frame(FRAME.ping, FLAG.ack, 0, payload));
        return;
      case FRAME.windowUpdate:
        this.#makeRoom(id, payload.readUInt32BE(0));
        return;
      case FRAME.goAway:
        this.#goAway(payload.readUInt32BE(0) & MAX_WINDOW, payload.readUInt32BE(4));
        return;
      case FRAME.pushPromise:
        throw new Error('a push, which was not asked for');
    }
  }

  #headers(): void {
    const { id, isLast, pieces } = this.#block!;
    this.#block = undefined;
    // Of all streams, those that were given up too: later blocks refer to it.
    const fields = new Map(this.#fields.read(Buffer.concat(pieces)));
    const stream = this.#streams.get(id);
    if (!stream) return;
    stream.handler.headers(fields);
    if (isLast && this.#streams.get(id) === stream) this.#end(stream);
  }

  #settings(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2);
      switch (payload.readUInt16BE(at)) {
        case SETTING.maxConcurrentStreams:
          this.#maxStreams = value;
          break;
        case SETTING.initialWindowSize:
          for (const stream of this.#streams.values()) stream.room += value - this.#streamRoom;
          this.#streamRoom = value;
          break;
        case SETTING.maxFrameSize:
          this.#maxFrame = value;
      }
    }
    this.#send(frame(FRAME.settings, FLAG.ack, 0, NOTHING));
    for (const stream of [...this.#blocked]) this.#sendBody(stream);
    this.#isAccepted = true;
    this.#accept();
  }

  #makeRoom(id: number, bytes: number): void {
    if (id === 0) {
      this.#room += bytes;
      for (const stream of [...this.#blocked]) this.#sendBody(stream);
      return;
    }
    const stream = this.#streams.get(id);
    if (!stream) return;
    stream.room += bytes;
    this.#sendBody(stream);
  }

  /** @param last the stream up to which the peer still answers */
  #goAway(last: number, errorCode: number): void {
    this.#isOver = true;
    const error = new ConnectionError(`the peer goes away, with code ${errorCode}`, false);
    const waiting = [...this.#queue];
    this.#queue.clear();
    for (const stream of [...this.#streams.values()]) if (stream.id > last) this.#end(stream, error);
    for (const { handler } of waiting) handler.end(error);
    if (this.#streams.size === 0) this.#socket.destroySoon();
  }
}

/** The error code of a stream that the peer has done nothing for (RFC 9113, 8.7). */
const REFUSED = 7;

/** What of a HEADERS frame is the block. */
function headersOf(flags: number, payload: Buffer): Buffer {
  const unpadded = flags & FLAG.padded ? withoutPadding(payload) : payload;
  return Buffer.from(unpadded.subarray(flags & FLAG.priority ? 5 : 0));
}

function withoutPadding(payload: Buffer): Buffer {
  const padding = payload[0] ?? 0;
  if (padding >= payload.length) throw new Error('a frame of more padding than bytes');
  return payload.subarray(1, payload.length - padding);
}
