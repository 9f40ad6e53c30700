/** Frames of SPDY/3.1 on the wire (draft-mbelshe-httpbis-spdy-00, 2.2). Header blocks are still packed. */

export const SYN_STREAM = 1;
export const SYN_REPLY = 2;
export const RST_STREAM = 3;
export const PING = 6;
export const GOAWAY = 7;

/** RST_STREAM's reasons. */
export const PROTOCOL_ERROR = 1;
export const REFUSED_STREAM = 3;
export const CANCEL = 5;

export interface ControlFrame {
  readonly kind: 'control';
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** A piece of a data frame, as much of it as has come. */
export interface DataPiece {
  readonly kind: 'data';
  readonly stream: number;
  readonly data: Buffer;
  /** The last of its stream. */
  readonly fin: boolean;
}

export const FLAG_FIN = 1;
const VERSION = 3;
const HEAD_BYTES = 8;
const MAX_CONTROL_BYTES = 64 * 1024;

/** Reads at the pace at which it is asked. @throws Error for what is no SPDY/3.1 */
export async function* readFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<ControlFrame | DataPiece> {
  let pending: Buffer = Buffer.alloc(0);
  let rest: { stream: number; length: number; fin: boolean } | undefined;
  for await (const chunk of chunks) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (;;) {
      if (rest) {
        const data = pending.subarray(0, rest.length);
        pending = pending.subarray(data.length);
        rest.length -= data.length;
        const isComplete = rest.length === 0;
        if (data.length > 0 || isComplete) {
          yield { kind: 'data', stream: rest.stream, data, fin: isComplete && rest.fin };
        }
        if (!isComplete) break;
        rest = undefined;
      }
      if (pending.length < HEAD_BYTES) break;
      const word = pending.readUInt32BE(0);
      const flags = pending.readUInt8(4);
      const length = pending.readUIntBE(5, 3);
      if (word >>> 31 === 0) {
        rest = { stream: word, length, fin: (flags & FLAG_FIN) !== 0 };
        pending = pending.subarray(HEAD_BYTES);
        continue;
      }
      if (((word >>> 16) & 0x7fff) !== VERSION) throw new Error('not SPDY/3.1');
      if (length > MAX_CONTROL_BYTES) throw new Error('control frame is too large');
      if (pending.length < HEAD_BYTES + length) break;
      const payload = pending.subarray(HEAD_BYTES, HEAD_BYTES + length);
      pending = pending.subarray(HEAD_BYTES + length);
      yield { kind: 'control', type: word & 0xffff, flags, payload };
    }
  }
}

export function controlFrame(type: number, flags: number, ...payload: readonly (Buffer | number)[]): Buffer {
  const body = Buffer.concat(payload.map((part) => (typeof part === 'number' ? uint32(part) : part)));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt16BE(0x8000 | VERSION);
  head.writeUInt16BE(type, 2);
  head.writeUInt8(flags, 4);
  head.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([head, body]);
}

/** The frame's head; the data follows it. */
export function dataHead(stream: number, length: number, fin: boolean): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(stream);
  head.writeUInt8(fin ? FLAG_FIN : 0, 4);
  head.writeUIntBE(length, 5, 3);
  return head;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
