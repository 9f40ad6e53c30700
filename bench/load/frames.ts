const HEAD = 9;
const DATA = 0;

export interface FrameHandler {
  /** A piece of a DATA frame's payload, valid until this returns. @param last whether the frame ends with it */
  data(id: number, flags: number, piece: Buffer, last: boolean): void;
  /** Any other frame, with its payload, valid until this returns. */
  control(type: number, flags: number, id: number, payload: Buffer): void;
}

/**
 * Takes what a connection brings, cut anywhere, apart into frames (RFC 9113, 4.1). Data goes on in the pieces in which it
 * came, without a copy: all else is short.
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
      this.#type = this.#head[3]!;
      this.#flags = this.#head[4]!;
      this.#id = this.#head.readUInt32BE(5) & 0x7fffffff;
    }
    return end;
  }

  #payload(piece: Buffer): void {
    const last = this.#left === 0;
    if (this.#type === DATA) {
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
