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
import { type Block, BlockReader } from './blocks.ts';
import { ClientStream, ConnectionError, type RequestHandler, STREAM_WINDOW } from './client-stream.ts';
import {
  DEFAULT_WINDOW,
  ERROR,
  FLAG,
  FRAME,
  FrameReader,
  frame,
  MAX_WINDOW,
  PREFACE,
  ProtocolError,
  resetFrame,
  SETTING,
  settingsFrame,
  settingsOf,
  windowUpdate,
} from './frames.ts';
import { Outlet } from './outlet.ts';
import { ReceiveWindow } from './receive-window.ts';

/** A request whose body comes bit by bit. */
export interface OpenRequest {
  /** More of it. */
  send(bytes: Buffer): void;
  /** Gives the request up: its handler is told nothing more. */
  cancel(): void;
}

const CONNECTION_WINDOW = 16 << 20;
/** Of an answer's fields. */
const MAX_FIELD_BYTES = 64 * 1024;
/** A connection is given up before its numbers of streams are. */
const LAST_STREAM = MAX_WINDOW - 2;
const NOTHING = Buffer.alloc(0);

export class ClientConnection {
  readonly #socket: Socket;
  readonly #outlet: Outlet;
  readonly #blocks = new BlockReader(MAX_FIELD_BYTES);
  readonly #streams = new Map<number, ClientStream>();
  /** Who waits for the end of another one. */
  readonly #queue = new Set<ClientStream>();
  /** Who waits for an answer to a ping, in the order of the asking. */
  readonly #pings: (() => void)[] = [];
  #nextId = 1;
  #streamRoom = DEFAULT_WINDOW;
  #maxStreams = Infinity;
  readonly #window = new ReceiveWindow(CONNECTION_WINDOW);
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
    this.#outlet = new Outlet(socket, () => {});
    // Those who wait for it are told; perhaps nobody does.
    this.accepted.catch(() => {});
    const frames = new FrameReader({
      data: (id, flags, piece, last, size) => this.#data(id, flags, piece, last, size),
      control: (type, flags, id, payload) => this.#control(type, flags, id, payload),
    });
    socket.setNoDelay(true);
    this.#outlet.send(PREFACE);
    this.#outlet.send(
      settingsFrame([
        [SETTING.enablePush, 0],
        [SETTING.initialWindowSize, STREAM_WINDOW],
      ]),
    );
    this.#outlet.send(windowUpdate(0, CONNECTION_WINDOW - DEFAULT_WINDOW));
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
    const stream = new ClientStream(block, body, true, handler);
    this.#begin(stream);
    return () => this.#cancel(stream);
  }

  /**
   * A request whose body has no end.
   * @param block as of {@link request}. @throws Error where the connection takes none
   */
  open(block: Buffer, handler: RequestHandler): OpenRequest {
    const stream = new ClientStream(block, NOTHING, false, handler);
    let rest: Buffer[] = [];
    let isBusy = false;
    const send = (): void => {
      isBusy = rest.length > 0;
      if (!isBusy) return;
      stream.outgoing = Buffer.concat(rest);
      rest = [];
      if (stream.id > 0) this.#outlet.body(stream);
    };
    stream.onSent = send;
    this.#begin(stream);
    return {
      send: (bytes) => {
        rest.push(bytes);
        if (!isBusy) send();
      },
      cancel: () => this.#cancel(stream),
    };
  }

  /** Asks whether the peer is there. @param answered is called when it says so */
  ping(answered: () => void): void {
    this.#pings.push(answered);
    this.#outlet.send(frame(FRAME.ping, 0, 0, Buffer.alloc(8)));
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

  #begin(stream: ClientStream): void {
    if (this.#isOver) throw new Error('the connection is over');
    if (this.#streams.size < this.#maxStreams) this.#open(stream);
    else this.#queue.add(stream);
  }

  #open(stream: ClientStream): void {
    stream.id = this.#nextId;
    stream.sendRoom = this.#streamRoom;
    this.#nextId += 2;
    if (this.#nextId > LAST_STREAM) this.#isOver = true;
    this.#streams.set(stream.id, stream);
    const hasBody = stream.outgoing.length > 0;
    this.#outlet.block(stream.id, stream.block, stream.isLast && !hasBody);
    if (hasBody) this.#outlet.body(stream);
  }

  #cancel(stream: ClientStream): void {
    if (this.#queue.delete(stream) || this.#streams.get(stream.id) !== stream) return;
    this.#outlet.send(resetFrame(stream.id, ERROR.cancel));
    this.#forget(stream);
  }

  /** @param error as of {@link RequestHandler.end} */
  #end(stream: ClientStream, error?: ConnectionError): void {
    // It has answered without having heard all.
    if ((stream.outgoing.length > 0 || !stream.isLast) && !error)
      this.#outlet.send(resetFrame(stream.id, ERROR.cancel));
    this.#forget(stream);
    stream.handler.end(error);
  }

  #forget(stream: ClientStream): void {
    this.#streams.delete(stream.id);
    this.#outlet.drop(stream);
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

  #data(id: number, flags: number, piece: Buffer, isLast: boolean, size: number): void {
    const stream = this.#streams.get(id);
    this.#take(0, this.#window, size);
    if (stream) this.#take(id, stream.window, size);
    if (piece.length > 0) stream?.handler.data(piece);
    // Who was told may have given it up.
    if (isLast && flags & FLAG.endStream && this.#streams.get(id) === stream && stream) this.#end(stream);
  }

  /** What comes is taken at once. @throws ProtocolError */
  #take(id: number, window: ReceiveWindow, bytes: number): void {
    if (!window.arrive(bytes)) throw new ProtocolError(ERROR.flowControl, 'more data than there is room for');
    const more = window.take(bytes);
    if (more > 0) this.#outlet.send(windowUpdate(id, more));
  }

  #control(type: number, flags: number, id: number, payload: Buffer): void {
    if (this.#blocks.takes(type)) {
      const block = this.#blocks.read(type, flags, id, payload);
      if (block) this.#headers(block);
      return;
    }
    switch (type) {
      case FRAME.reset: {
        const stream = this.#streams.get(id);
        const code = payload.readUInt32BE(0);
        if (stream)
          this.#end(stream, new ConnectionError(`Received RST_STREAM with code ${code}`, code !== ERROR.refusedStream));
        return;
      }
      case FRAME.settings:
        if (!(flags & FLAG.ack)) this.#settings(payload);
        return;
      case FRAME.ping:
        if (flags & FLAG.ack) this.#pings.shift()?.();
        else this.#outlet.send(frame(FRAME.ping, FLAG.ack, 0, payload));
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

  #headers({ id, isLast, fields }: Block): void {
    const stream = this.#streams.get(id);
    if (!stream) return;
    stream.handler.headers(new Map(fields));
    if (isLast && this.#streams.get(id) === stream) this.#end(stream);
  }

  #settings(payload: Buffer): void {
    for (const [setting, value] of settingsOf(payload)) {
      if (setting === SETTING.maxConcurrentStreams) this.#maxStreams = value;
      else if (setting === SETTING.maxFrameSize) this.#outlet.maxFrame = value;
      else if (setting === SETTING.initialWindowSize) {
        const more = value - this.#streamRoom;
        this.#streamRoom = value;
        for (const stream of this.#streams.values()) this.#outlet.makeRoom(stream, more);
      }
    }
    this.#outlet.send(frame(FRAME.settings, FLAG.ack, 0, NOTHING));
    this.#isAccepted = true;
    this.#accept();
  }

  #makeRoom(id: number, bytes: number): void {
    const stream = this.#streams.get(id);
    if (id === 0 || stream) this.#outlet.makeRoom(stream, bytes);
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
