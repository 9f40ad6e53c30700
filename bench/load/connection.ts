/**
 * An HTTP/2 client that costs as little as h2load: frames are written and read by hand, header blocks are literals made
 * once, no dynamic table, windows so large that they hardly matter. Good for load, not for general use.
 */
import { once } from 'node:events';
import type { SocketConstructorOpts } from 'node:net';
import { type ConnectionOptions, connect, createSecureContext, type TLSSocket } from 'node:tls';
import {
  DEFAULT_WINDOW,
  FLAG,
  FRAME,
  FrameReader,
  frame,
  MAX_FRAME,
  MAX_WINDOW,
  PREFACE,
  SETTING,
  settingsFrame,
  windowUpdate,
} from '@keelson/component/http2/frames';
import { encodeFields } from '@keelson/component/http2/hpack';

/** One for all connections, and one buffer that they are read into in turns: neither is part of what is measured. */
const SECURE_CONTEXT = createSecureContext({ ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384' });
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);

/** What a stream is told. */
export interface StreamHandler {
  headers?(status: number): void;
  /** @param bytes valid until this returns */
  data?(bytes: Buffer): void;
  /** @param error why it ended before its end */
  end(status: number, error?: Error): void;
}

interface OpenStream {
  readonly handler: StreamHandler;
  status: number;
  received: number;
}

export interface Target {
  readonly base: string;
  readonly token: string;
}

/** One connection; requests on it run side by side. */
export class Connection {
  readonly #socket: TLSSocket;
  readonly #streams = new Map<number, OpenStream>();
  /** Pseudo headers come before all others. */
  readonly #before: Buffer;
  readonly #after: Buffer;
  #nextStream = 1;
  #received = 0;
  #sendWindow = DEFAULT_WINDOW;
  /** Bodies that wait for the server's window. */
  readonly #waiting: { id: number; body: Buffer }[] = [];

  static async open(target: Target): Promise<Connection> {
    const connection = new Connection(target);
    await once(connection.#socket, 'secureConnect');
    connection.#socket.setNoDelay(true);
    return connection;
  }

  private constructor({ base, token }: Target) {
    const { hostname, port, host } = new URL(base);
    const frames = new FrameReader({
      data: (id, flags, piece, last) => this.#data(id, flags, piece, last),
      control: (type, flags, id, payload) => this.#control(type, flags, id, payload),
    });
    // A TLS socket takes what a socket takes, which the types of Node.js do not say.
    const options: ConnectionOptions & SocketConstructorOpts = {
      host: hostname,
      port: Number(port || 443),
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
      secureContext: SECURE_CONTEXT,
      onread: {
        buffer: READ_BUFFER,
        callback: (length) => {
          frames.read(READ_BUFFER.subarray(0, length));
          return true;
        },
      },
    };
    const socket = connect(options);
    this.#socket = socket;
    this.#before = encodeFields([
      [':scheme', 'https'],
      [':authority', host],
    ]);
    this.#after = encodeFields([
      ['authorization', `Bearer ${token}`],
      ['user-agent', 'keelson-bench'],
    ]);
    socket.write(
      Buffer.concat([
        PREFACE,
        settingsFrame([
          [SETTING.headerTableSize, 0],
          [SETTING.initialWindowSize, MAX_WINDOW],
        ]),
        windowUpdate(0, MAX_WINDOW - DEFAULT_WINDOW),
      ]),
    );
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  get protocol(): string {
    return `${this.#socket.getProtocol()} ${this.#socket.getCipher().name}`;
  }

  /** @param headers as {@link headerBlock} made them */
  request(headers: Buffer, body: Buffer | undefined, handler: StreamHandler): void {
    const id = this.#nextStream;
    this.#nextStream += 2;
    this.#streams.set(id, { handler, status: 0, received: 0 });
    const flags = FLAG.endHeaders | (body ? 0 : FLAG.endStream);
    const head = frame(FRAME.headers, flags, id, Buffer.concat([this.#before, headers, this.#after]));
    if (!body) {
      this.#socket.write(head);
    } else if (this.#waiting.length > 0 || body.length > this.#sendWindow) {
      this.#socket.write(head);
      this.#waiting.push({ id, body });
    } else {
      this.#socket.write(Buffer.concat([head, this.#dataOf(id, body)]));
    }
  }

  close(): void {
    this.#streams.clear();
    this.#socket.destroy();
  }

  #dataOf(id: number, body: Buffer): Buffer {
    if (body.length > MAX_FRAME) throw new Error(`a body of ${body.length} bytes is more than this client sends`);
    this.#sendWindow -= body.length;
    return frame(FRAME.data, FLAG.endStream, id, body);
  }

  #data(id: number, flags: number, piece: Buffer, last: boolean): void {
    const stream = this.#streams.get(id);
    this.#credit(id, stream, piece.length);
    stream?.handler.data?.(piece);
    if (last && flags & FLAG.endStream) this.#end(id, stream);
  }

  #control(type: number, flags: number, id: number, payload: Buffer): void {
    const stream = this.#streams.get(id);
    switch (type) {
      case FRAME.headers:
        if (stream && stream.status === 0) {
          stream.status = statusOf(payload);
          stream.handler.headers?.(stream.status);
        }
        if (flags & FLAG.endStream) this.#end(id, stream);
        return;
      case FRAME.reset:
        this.#end(id, stream, new Error(`the stream was reset: error code ${payload.readUInt32BE(0)}`));
        return;
      case FRAME.settings:
        if (!(flags & FLAG.ack)) this.#socket.write(frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(0)));
        return;
      case FRAME.ping:
        if (!(flags & FLAG.ack)) this.#socket.write(frame(FRAME.ping, FLAG.ack, 0, payload));
        return;
      case FRAME.windowUpdate:
        if (id === 0) this.#more(payload.readUInt32BE(0));
        return;
      case FRAME.goAway:
        if (payload.readUInt32BE(4) !== 0) this.#fail(new Error(`GOAWAY: error code ${payload.readUInt32BE(4)}`));
    }
  }

  /** Gives back what was received, long before a window is used up. */
  #credit(id: number, stream: OpenStream | undefined, size: number): void {
    this.#received += size;
    if (this.#received > MAX_WINDOW / 2) {
      this.#socket.write(windowUpdate(0, this.#received));
      this.#received = 0;
    }
    if (!stream) return;
    stream.received += size;
    if (stream.received <= MAX_WINDOW / 2) return;
    this.#socket.write(windowUpdate(id, stream.received));
    stream.received = 0;
  }

  #more(increment: number): void {
    this.#sendWindow += increment;
    while (this.#waiting.length > 0 && this.#waiting[0]!.body.length <= this.#sendWindow) {
      const { id, body } = this.#waiting.shift()!;
      this.#socket.write(this.#dataOf(id, body));
    }
  }

  #end(id: number, stream: OpenStream | undefined, error?: Error): void {
    this.#streams.delete(id);
    stream?.handler.end(stream.status, error);
  }

  #fail(error: Error): void {
    for (const [id, stream] of [...this.#streams]) this.#end(id, stream, error);
  }
}

/** What differs from request to request, to be made once where requests are alike. */
export function headerBlock(method: string, path: string, more: Readonly<Record<string, string>> = {}): Buffer {
  return encodeFields([[':method', method], [':path', path], ...Object.entries(more)]);
}

/** `:status` comes first, and without a dynamic table: from the static one, or as a literal. */
function statusOf(block: Buffer): number {
  const INDEXED = [200, 204, 206, 304, 400, 404, 500];
  let at = 0;
  // Size updates of the dynamic table.
  while ((block[at]! & 0xe0) === 0x20) at++;
  const first = block[at]!;
  if (first & 0x80) return INDEXED[(first & 0x7f) - 8] ?? 0;
  const length = block[at + 1]!;
  const value = block.subarray(at + 2, at + 2 + (length & 0x7f));
  return length & 0x80 ? huffmanDigits(value) : Number(value.toString('latin1'));
}

/** Of Huffman's code the digits are all that a status needs: 0–2 have five bits, the others six. */
function huffmanDigits(bytes: Buffer): number {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let status = 0;
  for (let at = 0, digits = 0; digits < 3; digits++) {
    const short = Number.parseInt(bits.slice(at, at + 5), 2);
    const digit = short < 3 ? short : Number.parseInt(bits.slice(at, at + 6), 2) - 22;
    status = status * 10 + digit;
    at += short < 3 ? 5 : 6;
  }
  return status;
}
