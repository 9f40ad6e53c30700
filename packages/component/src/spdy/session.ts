/**
 * A SPDY/3.1 connection with its streams, either end of it: what exec, attach and port-forward are spoken in between
 * kubectl, API server and kubelet. As their other implementations do it goes without flow control of its own: whoever
 * does not read a stream stops the connection.
 */
import { Duplex } from 'node:stream';
import { heardLater } from '../promises.ts';
import {
  CANCEL,
  type ControlFrame,
  controlFrame,
  type DataPiece,
  dataHead,
  FLAG_FIN,
  GOAWAY,
  PING,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  RST_STREAM,
  readFrames,
  SYN_REPLY,
  SYN_STREAM,
} from './frames.ts';
import { HeaderPacker, HeaderUnpacker, type SpdyHeaders } from './headers.ts';

export interface SpdyOptions {
  /** Who sent the HTTP request that became this connection. */
  readonly role: 'client' | 'server';
  /** A stream that the other side wants. Default: all are refused. */
  readonly onStream?: (stream: SpdyStream) => void;
  /** Ping the other side this often; 0: never. */
  readonly pingIntervalMs?: number;
}

/** Streams that may be open at once. */
const MAX_STREAMS = 1000;
/** Of what was written and not taken; what streams write waits for that, answers to control frames do not. */
const MAX_UNREAD_BYTES = 32 * 1024 * 1024;
/** For what is still to be written when a session ends. */
const LINGER_MS = 1000;

export class SpdySession {
  /** Resolves when the connection is over, however it ended. */
  readonly closed: Promise<void>;
  readonly #socket: Duplex;
  readonly #options: SpdyOptions;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #packer = new HeaderPacker();
  readonly #unpacker = new HeaderUnpacker();
  #nextId: number;
  #lastRemoteId = 0;
  #pingId: number;
  /** Frames with header blocks are packed and written in the order in which they were asked for. */
  #headerQueue: Promise<unknown> = Promise.resolve();
  #pinger: NodeJS.Timeout | undefined;

  /** @param socket already switched to SPDY, with nothing read from it */
  constructor(socket: Duplex, options: SpdyOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#nextId = options.role === 'client' ? 1 : 2;
    this.#pingId = this.#nextId;
    const interval = options.pingIntervalMs ?? 0;
    if (interval > 0) this.#pinger = setInterval(() => this.#ping(), interval).unref();
    socket.on('error', () => socket.destroy());
    this.closed = this.#read().then(() => this.#end());
  }

  /** Resolves when the other side has accepted it. @throws Error when it refuses, or the connection ends first */
  async open(headers: SpdyHeaders): Promise<SpdyStream> {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = this.#add(id, headers);
    const accepted = new Promise<void>((resolve, reject) => {
      const refuse = () => reject(new Error('Stream reset'));
      stream.once('accepted', resolve).once('reset', refuse).once('close', refuse);
    });
    heardLater(accepted);
    await this.#sendHeaders(headers, (block) => controlFrame(SYN_STREAM, 0, id, 0, Buffer.alloc(2), block));
    await accepted;
    return stream;
  }

  /** Ends all streams and the connection. */
  close(): void {
    if (!this.#socket.destroyed) {
      this.#socket.write(controlFrame(GOAWAY, 0, this.#lastRemoteId, 0));
      this.#socket.end();
    }
    this.#end();
  }

  /** @internal */
  writeData(id: number, data: Buffer, fin: boolean, done: (error?: Error | null) => void): void {
    if (this.#socket.destroyed || this.#socket.writableEnded || !this.#streams.has(id)) {
      done(new Error('Stream reset'));
      return;
    }
    this.#socket.cork();
    this.#socket.write(dataHead(id, data.length, fin));
    if (data.length > 0) this.#socket.write(data, done);
    else done();
    this.#socket.uncork();
  }

  /** @internal */
  forget(id: number, wasComplete: boolean): void {
    if (!this.#streams.delete(id) || wasComplete || this.#socket.writableEnded) return;
    this.#socket.write(controlFrame(RST_STREAM, 0, id, CANCEL));
  }

  async #read(): Promise<void> {
    try {
      for await (const frame of readFrames(this.#socket as AsyncIterable<Buffer>)) {
        if (frame.kind === 'data') await this.#onData(frame);
        else if (await this.#onControl(frame)) break;
      }
    } catch {
      // Cut off, or no SPDY: either way the connection is over.
    }
  }

  async #onData({ stream: id, data, fin }: DataPiece): Promise<void> {
    const stream = this.#streams.get(id);
    if (!stream) return;
    if (data.length > 0) await stream.receive(data);
    if (fin) stream.receiveEnd();
  }

  /** @returns true when this was the last frame. @throws Error where the other side asks without end and does not read */
  async #onControl({ type, flags, payload }: ControlFrame): Promise<boolean> {
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) throw new Error('the other side does not read');
    const id = payload.length >= 4 ? payload.readUInt32BE(0) & 0x7fffffff : 0;
    switch (type) {
      case SYN_STREAM:
        await this.#onSynStream(id, flags, await this.#unpacker.unpack(payload.subarray(10)));
        return false;
      case SYN_REPLY:
        await this.#unpacker.unpack(payload.subarray(4));
        this.#streams.get(id)?.emit('accepted');
        if ((flags & FLAG_FIN) !== 0) this.#streams.get(id)?.receiveEnd();
        return false;
      case RST_STREAM: {
        const stream = this.#streams.get(id);
        this.#streams.delete(id);
        stream?.receiveReset();
        return false;
      }
      case PING:
        if ((id & 1) !== (this.#pingId & 1)) this.#socket.write(controlFrame(PING, 0, payload));
        return false;
      case GOAWAY:
        return this.#streams.size === 0;
      default:
        return false;
    }
  }

  async #onSynStream(id: number, flags: number, headers: SpdyHeaders): Promise<void> {
    const isTheirs = (id & 1) !== (this.#nextId & 1);
    if (!isTheirs || id <= this.#lastRemoteId) {
      this.#socket.write(controlFrame(RST_STREAM, 0, id, PROTOCOL_ERROR));
      return;
    }
    this.#lastRemoteId = id;
    if (!this.#options.onStream || this.#streams.size >= MAX_STREAMS) {
      this.#socket.write(controlFrame(RST_STREAM, 0, id, REFUSED_STREAM));
      return;
    }
    const stream = this.#add(id, headers);
    if ((flags & FLAG_FIN) !== 0) stream.receiveEnd();
    await this.#sendHeaders({}, (block) => controlFrame(SYN_REPLY, 0, id, block));
    this.#options.onStream(stream);
  }

  #add(id: number, headers: SpdyHeaders): SpdyStream {
    const stream = new SpdyStream(this, id, headers);
    this.#streams.set(id, stream);
    return stream;
  }

  #sendHeaders(headers: SpdyHeaders, frame: (block: Buffer) => Buffer): Promise<void> {
    const sent = this.#headerQueue.then(async () => {
      const block = await this.#packer.pack(headers);
      if (!this.#socket.destroyed && !this.#socket.writableEnded) this.#socket.write(frame(block));
    });
    this.#headerQueue = sent;
    return sent;
  }

  #ping(): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#socket.write(controlFrame(PING, 0, this.#pingId));
    this.#pingId += 2;
  }

  #end(): void {
    clearInterval(this.#pinger);
    for (const stream of this.#streams.values()) stream.receiveCut();
    this.#streams.clear();
    this.#packer.close();
    this.#unpacker.close();
    const socket = this.#socket;
    if (!socket.writableEnded) socket.end();
    if (socket.writableFinished) socket.destroy();
    else socket.once('finish', () => socket.destroy());
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }
}

/**
 * One stream: `end()` closes the own half, `destroy()` resets it unless both halves are closed. When the other side
 * resets it, it ends; an error says that the connection broke.
 */
export class SpdyStream extends Duplex {
  readonly id: number;
  /** What it was opened with. */
  readonly headers: SpdyHeaders;
  readonly #session: SpdySession;
  #resume: (() => void) | undefined;
  #isComplete = { read: false, write: false };

  constructor(session: SpdySession, id: number, headers: SpdyHeaders) {
    super({ allowHalfOpen: true });
    this.#session = session;
    this.id = id;
    this.headers = headers;
    // A reset stream ends its reader; nobody need listen.
    this.on('error', () => {});
  }

  /** @internal Resolves when there is room for more. */
  async receive(data: Buffer): Promise<void> {
    if (this.destroyed || this.push(data)) return;
    await new Promise<void>((resolve) => {
      this.#resume = resolve;
    });
  }

  /** @internal */
  receiveEnd(): void {
    if (this.#isComplete.read) return;
    this.#isComplete.read = true;
    if (!this.destroyed) this.push(null);
  }

  /** @internal Kubelets reset streams when they are done: what came until then counts. */
  receiveReset(): void {
    this.#isComplete.write = true;
    this.receiveEnd();
    this.emit('reset');
  }

  /** @internal The connection is gone. What is complete can still be read. */
  receiveCut(): void {
    if (!this.#isComplete.read) this.destroy(new Error('connection is closed'));
  }

  override _read(): void {
    this.#resume?.();
    this.#resume = undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#session.writeData(this.id, chunk, false, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#isComplete.write = true;
    this.#session.writeData(this.id, Buffer.alloc(0), true, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#session.forget(this.id, this.#isComplete.read && this.#isComplete.write);
    this.#resume?.();
    done(error);
  }
}
