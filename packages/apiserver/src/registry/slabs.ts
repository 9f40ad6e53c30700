/** Small enough to be given back soon, large enough for some fifty pods. */
const MAX_SLAB_BYTES = 256 * 1024;
/** What is larger has memory of its own. */
const MAX_PIECE_BYTES = MAX_SLAB_BYTES / 8;

/** Small buffers are cut from large ones, which stay as long as any of their pieces does. @returns what has its own memory */
export function owned(bytes: Buffer): Buffer {
  if (bytes.length === bytes.buffer.byteLength) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

/**
 * Memory for bytes that stay for long, in pieces of larger buffers: a buffer for each of 100,000 objects is as many things
 * more for V8 to mark, to sweep and to free. A slab is freed when nobody has any of its pieces.
 *
 * A piece that is removed leaves a hole. Whoever owns the pieces moves those in slabs that are {@link isSparse} whenever
 * {@link needsTidying}, so that no more than half of the memory is holes for long.
 */
export class Slabs {
  /** How many bytes of each slab are in use. */
  readonly #used = new Map<ArrayBufferLike, number>();
  #usedBytes = 0;
  #allBytes = 0;
  #open = Buffer.alloc(0);
  /** Where the open slab is free. */
  #at = 0;

  /** @returns the bytes, in memory that holds nothing but what is to stay */
  add(bytes: Buffer): Buffer {
    const { length } = bytes;
    if (length > MAX_PIECE_BYTES) return owned(bytes);
    if (this.#at + length > this.#open.length) this.#openAnother(length);
    const piece = this.#open.subarray(this.#at, this.#at + length);
    bytes.copy(piece);
    this.#at += length;
    this.#use(piece, length);
    return piece;
  }

  /** The piece is not needed any more, or somewhere else. What is no piece is ignored. */
  remove(piece: Buffer): void {
    if (this.#used.has(piece.buffer)) this.#use(piece, -piece.length);
  }

  /** More than half of the memory is holes. */
  get needsTidying(): boolean {
    return this.#allBytes > MAX_SLAB_BYTES && this.#usedBytes < this.#allBytes / 2;
  }

  /** The slab that the piece lies in is holes for the most part. */
  isSparse({ buffer }: Buffer): boolean {
    const used = this.#used.get(buffer);
    return used !== undefined && used < buffer.byteLength / 2 && buffer !== this.#open.buffer;
  }

  /** Of an eighth of what there is, so that few bytes have small slabs. */
  #openAnother(least: number): void {
    this.#forgetIfEmpty(this.#open.buffer, true);
    this.#open = Buffer.allocUnsafeSlow(Math.max(least, Math.min(MAX_SLAB_BYTES, this.#usedBytes >> 3)));
    this.#at = 0;
    this.#allBytes += this.#open.length;
  }

  #use({ buffer }: Buffer, bytes: number): void {
    this.#used.set(buffer, (this.#used.get(buffer) ?? 0) + bytes);
    this.#usedBytes += bytes;
    this.#forgetIfEmpty(buffer, buffer !== this.#open.buffer);
  }

  #forgetIfEmpty(buffer: ArrayBufferLike, isFull: boolean): void {
    if (isFull && this.#used.get(buffer) === 0) {
      this.#used.delete(buffer);
      this.#allBytes -= buffer.byteLength;
    }
  }
}
