/** Frames of HTTP/2, as they are written and read (RFC 9113, sections 4 and 6). */

export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** What a bit says depends on the type of its frame. */
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
} as const;

/** What a client sends before its first frame. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** How much data may be sent before there is more room for it, where nobody has said otherwise; of a connection nobody can. */
export const DEFAULT_WINDOW = 65_535;
export const MAX_WINDOW = 2 ** 31 - 1;
/** The longest payload of a frame, where nobody has said otherwise. */
export const MAX_FRAME = 16_384;

const HEAD = 9;

export function frame(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(id, 5);
  bytes.set(payload, HEAD);
  return bytes;
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * settings.length);
  for (const [i, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, 6 * i);
    payload.writeUInt32BE(value, 6 * i + 2);
  }
  return frame(FRAME.settings, 0, 0, payload);
}

/** @param id of a stream, or 0 for the connection */
export const windowUpdate = (id: number, increment: number): Buffer =>
  frame(FRAME.windowUpdate, 0, id, number(increment));

export const resetFrame = (id: number, errorCode: number): Buffer => frame(FRAME.reset, 0, id, number(errorCode));

function number(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}

export interface FrameHandler {
  /** A piece of a DATA frame's payload, valid as long as what it came in is. @param last whether the frame ends with it */
  data(id: number, flags: number, piece: Buffer, last: boolean): void;
  /** Any other frame, with its payload, valid as long as what it came in is. */
  control(type: number, flags: number, id: number, payload: Buffer): void;
}

/**
 * Takes what a connection brings, cut anywhere, apart into frames. Data goes on in the pieces in which it came, without a
 * copy: all else is short.
 */
export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #head = Buffer.alloc(HEAD);
  #headLength = 0;
  /** Of the frame whose head is complete. */
  #type = 0;
  #flags = 0;
  #id = 0;
  #left = 0;
  #collected: Buffer[] = [];

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** @throws Error at a frame that is longer than frames may be */
  read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#headLength < HEAD) {
        at = this.#readHead(bytes, at);
        if (this.#headLength < HEAD || this.#left > 0) continue;
      }
      const end = Math.min(bytes.length, at + this.#left);
      this.#left -= end - at;
      this.#payload(bytes.subarray(at, end));
      at = end;
      if (this.#left === 0) this.#headLength = 0;
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + HEAD - this.#headLength);
    this.#headLength += bytes.copy(this.#head, this.#headLength, at, end);
    if (this.#headLength === HEAD) {
      this.#left = this.#head.readUIntBE(0, 3);
      if (this.#left > MAX_FRAME) throw new Error(`a frame of ${this.#left} bytes, where ${MAX_FRAME} are the most`);
      this.#type = this.#head[3]!;
      this.#flags = this.#head[4]!;
      this.#id = this.#head.readUInt32BE(5) & MAX_WINDOW;
    }
    return end;
  }

  #payload(piece: Buffer): void {
    const last = this.#left === 0;
    if (this.#type === FRAME.data) {
      this.#handler.data(this.#id, this.#flags, piece, last);
    } else if (last) {
      const payload = this.#collected.length === 0 ? piece : Buffer.concat([...this.#collected, piece]);
      this.#collected = [];
      this.#handler.control(this.#type, this.#flags, this.#id, payload);
    } else {
      this.#collected.push(Buffer.from(piece));
    }
  }
}
