import { blockOf, ERROR, FLAG, FRAME, ProtocolError } from './frames.ts';
import { type FieldList, FieldReader } from './hpack.ts';

/** A block of header fields. */
export interface Block extends FieldList {
  readonly id: number;
  /** Its stream ends with it. */
  readonly isLast: boolean;
}

/** Of one block. */
const MAX_FRAMES = 64;

/** Puts HEADERS and the CONTINUATIONs behind them together, and reads what they say (RFC 9113, 4.3). */
export class BlockReader {
  readonly #fields = new FieldReader();
  readonly #maxBytes: number;
  #open: { readonly id: number; readonly isLast: boolean; readonly pieces: Buffer[]; bytes: number } | undefined;

  /** @param maxBytes of a block's fields, as they are counted (RFC 9113, 10.5.1): with twice as much the connection ends */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a frame is to be read here: no other may come amid a block. */
  takes(type: number): boolean {
    return this.#open !== undefined || type === FRAME.headers || type === FRAME.continuation;
  }

  /** @returns the block, when it is whole. @throws ProtocolError */
  read(type: number, flags: number, id: number, payload: Buffer): Block | undefined {
    if (type === FRAME.headers ? this.#open : type !== FRAME.continuation || this.#open?.id !== id)
      throw new ProtocolError(ERROR.protocol, 'a block of header fields that is cut off');
    this.#open ??= { id, isLast: (flags & FLAG.endStream) !== 0, pieces: [], bytes: 0 };
    const { isLast, pieces } = this.#open;
    const piece = type === FRAME.headers ? blockOf(flags, payload) : Buffer.from(payload);
    this.#open.bytes += piece.length;
    if (pieces.push(piece) > MAX_FRAMES || this.#open.bytes > 2 * this.#maxBytes)
      throw new ProtocolError(ERROR.enhanceYourCalm, 'a block of header fields without an end');
    if (!(flags & FLAG.endHeaders)) return undefined;
    this.#open = undefined;
    const block = pieces.length === 1 ? piece : Buffer.concat(pieces);
    return { id, isLast, ...this.#fields.read(block, this.#maxBytes) };
  }
}
