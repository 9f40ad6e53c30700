/** Frames of HTTP/2, as they are written and read (RFC 9113, sections 4 and 6). */

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
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
  maxHeaderListSize: 6,
} as const;

/** Why a stream or a connection ends (RFC 9113, section 7). */
export const ERROR = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
  enhanceYourCalm: 11,
} as const;

/** The peer has done what no peer may do. */
export class ProtocolError extends Error {
  /** One of {@link ERROR}. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** What a client sends before its first frame. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** How much data may be sent before there is more room for it, where nobody has said otherwise; of a connection nobody can. */
export const DEFAULT_WINDOW = 65_535;
export const MAX_WINDOW = 2 ** 31 - 1;
/** The longest payload of a frame, where nobody has said otherwise. */
export const MAX_FRAME = 16_384;

const HEAD = 9;

/** A frame and all of its payload. */
export function frame(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD + payload.length);
  writeHead(bytes, type, flags, id, payload.length);
  bytes.set(payload, HEAD);
  return bytes;
}

/** Of a frame whose payload comes behind it. */
export function frameHead(type: number, flags: number, id: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD);
  writeHead(bytes, type, flags, id, length);
  return bytes;
}

function writeHead(bytes: Buffer, type: number, flags: number, id: number, length: number): void {
  bytes[0] = length >> 16;
  bytes[1] = length >> 8;
  bytes[2] = length;
  bytes[3] = type;
  bytes[4] = flags;
  bytes[5] = id >> 24;
  bytes[6] = id >> 16;
  bytes[7] = id >> 8;
  bytes[8] = id;
}

/** What this side wants of the other. */
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

/** The end of a stream. @param errorCode one of {@link ERROR} */
export const resetFrame = (id: number, errorCode: number): Buffer => frame(FRAME.reset, 0, id, number(errorCode));

/** @param last the stream up to which requests are still answered */
export const goAwayFrame = (last: number, errorCode: number): Buffer =>
  frame(FRAME.goAway, 0, 0, Buffer.concat([number(last), number(errorCode)]));

function number(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}

/** What a SETTINGS frame says. @throws ProtocolError where a value is none (6.5.2) */
export function settingsOf(payload: Buffer): (readonly [id: number, value: number])[] {
  const settings: (readonly [number, number])[] = [];
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    const [id, value] = [payload.readUInt16BE(at), payload.readUInt32BE(at + 2)];
    if (id === SETTING.enablePush && value > 1) throw new ProtocolError(ERROR.protocol, 'a push of no such kind');
    if (id === SETTING.initialWindowSize && value > MAX_WINDOW)
      throw new ProtocolError(ERROR.flowControl, 'a window that is too large');
    if (id === SETTING.maxFrameSize && (value < MAX_FRAME || value >= 2 ** 24))
      throw new ProtocolError(ERROR.protocol, 'frames of no such size');
    settings.push([id, value]);
  }
  return settings;
}

/** Of control frames: how long they are, where they are of one length, and whether they are about a stream. */
const SHAPES: Readonly<Record<number, { readonly length?: number; readonly isOfStream: boolean }>> = {
  [FRAME.priority]: { length: 5, isOfStream: true },
  [FRAME.reset]: { length: 4, isOfStream: true },
  [FRAME.settings]: { isOfStream: false },
  [FRAME.ping]: { length: 8, isOfStream: false },
  [FRAME.goAway]: { isOfStream: false },
};

/** @throws ProtocolError where no such frame may be */
export function checkFrame(type: number, flags: number, id: number, length: number): void {
  const shape = SHAPES[type];
  if (shape && shape.isOfStream !== id > 0) throw new ProtocolError(ERROR.protocol, 'a frame of another stream');
  const wanted = type === FRAME.windowUpdate ? 4 : shape?.length;
  const isWrong =
    type === FRAME.settings
      ? flags & FLAG.ack
        ? length > 0
        : length % 6 > 0
      : wanted !== undefined && length !== wanted;
  if (isWrong) throw new ProtocolError(ERROR.frameSize, `a frame of ${length} bytes, which none of its type has`);
  if (type === FRAME.pushPromise) throw new ProtocolError(ERROR.protocol, 'a push, which was not asked for');
}

/** @param payload of a frame that is padded. @throws ProtocolError where it is nothing but padding, and more */
function withoutPadding(payload: Buffer): Buffer {
  const padding = payload[0] ?? 0;
  if (padding >= payload.length) throw new ProtocolError(ERROR.protocol, 'a frame of more padding than bytes');
  return payload.subarray(1, payload.length - padding);
}

/** What of a HEADERS frame is the block. @throws ProtocolError */
export function blockOf(flags: number, payload: Buffer): Buffer {
  const unpadded = flags & FLAG.padded ? withoutPadding(payload) : payload;
  return Buffer.from(unpadded.subarray(flags & FLAG.priority ? PRIORITY : 0));
}

/** On which other stream one depends, and how much. */
const PRIORITY = 5;

export interface FrameHandler {
  /**
   * A piece of a DATA frame's payload, valid as long as what it came in is.
   * @param last whether the frame ends with it. @param size in windows: the piece and its padding
   */
  data(id: number, flags: number, piece: Buffer, last: boolean, size: number): void;
  /** Any other frame, with its payload, valid as long as what it came in is. */
  control(type: number, flags: number, id: number, payload: Buffer): void;
}

/**
 * Takes what a connection brings, cut anywhere, apart into frames. Data goes on in the pieces in which it came, without a
 * copy, unless it is padded: all else is short.
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

  /** @throws ProtocolError at a frame that is longer than frames may be */
  read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#headLength < HEAD) {
        at = this.#readHead(bytes, at);
        if (this.#headLength < HEAD || this.#left > 0) continue;
      }
      const end = Math.min(bytes.length, at + this.#left);
      this.#left -= end - at;
      // The handler may throw: the next bytes begin where these have ended.
      if (this.#left === 0) this.#headLength = 0;
      this.#payload(bytes.subarray(at, end));
      at = end;
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + HEAD - this.#headLength);
    this.#headLength += bytes.copy(this.#head, this.#headLength, at, end);
    if (this.#headLength === HEAD) {
      this.#left = this.#head.readUIntBE(0, 3);
      if (this.#left > MAX_FRAME)
        throw new ProtocolError(ERROR.frameSize, `a frame of ${this.#left} bytes, where ${MAX_FRAME} are the most`);
      this.#type = this.#head[3]!;
      this.#flags = this.#head[4]!;
      this.#id = this.#head.readUInt32BE(5) & MAX_WINDOW;
    }
    return end;
  }

  #payload(piece: Buffer): void {
    const isLast = this.#left === 0;
    if (this.#type === FRAME.data && !(this.#flags & FLAG.padded)) {
      this.#handler.data(this.#id, this.#flags, piece, isLast, piece.length);
      return;
    }
    if (!isLast) {
      this.#collected.push(Buffer.from(piece));
      return;
    }
    const whole = this.#collected.length === 0 ? piece : Buffer.concat([...this.#collected, piece]);
    this.#collected = [];
    if (this.#type === FRAME.data) {
      this.#handler.data(this.#id, this.#flags, withoutPadding(whole), true, whole.length);
    } else this.#handler.control(this.#type, this.#flags, this.#id, whole);
  }
}
