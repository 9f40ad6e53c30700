/**
 * Bodies out of many small pieces: they are copied into large chunks, which are written one by one. Chunks come from a
 * pool and go back to it once they are written: fresh memory for each would cost as much as the copying.
 */
const CHUNK_BYTES = 64 * 1024;
const MAX_POOLED = 64;

const pool: Buffer[] = [];

/** A chunk that is to be written. */
export interface Chunk {
  readonly bytes: Buffer;
  /** To be called when it has been written. Without it the chunk is not used again, which does no harm. */
  release(): void;
}

export class ChunkWriter {
  #full: Chunk[] = [];
  #buffer: Buffer | undefined;
  #used = 0;

  /** Chunks that are full. */
  get waiting(): number {
    return this.#full.length;
  }

  /** @param to exclusive */
  copy(bytes: Buffer, from = 0, to = bytes.length): void {
    for (let at = from; at < to; ) {
      const buffer = this.#room();
      const size = Math.min(to - at, CHUNK_BYTES - this.#used);
      bytes.copy(buffer, this.#used, at, at + size);
      this.#used += size;
      at += size;
    }
  }

  /** @param text ASCII */
  text(text: string): void {
    if (CHUNK_BYTES - this.#used < text.length) this.copy(Buffer.from(text, 'latin1'));
    else this.#used += this.#room().write(text, this.#used, 'latin1');
  }

  /** The next full chunk. */
  take(): Chunk | undefined {
    return this.#full.shift();
  }

  /** The chunk that is not full yet becomes one that waits. */
  flush(): void {
    const buffer = this.#buffer;
    if (!buffer) return;
    this.#full.push({
      bytes: buffer.subarray(0, this.#used),
      release: () => {
        if (pool.length < MAX_POOLED) pool.push(buffer);
      },
    });
    this.#buffer = undefined;
    this.#used = 0;
  }

  /** All that waits, and what is not full yet, in memory of its own. */
  whole(): Buffer {
    this.flush();
    const chunks = this.#full;
    this.#full = [];
    const bytes = Buffer.concat(chunks.map((chunk) => chunk.bytes));
    for (const { release } of chunks) release();
    return bytes;
  }

  /** Where the next byte goes. */
  #room(): Buffer {
    if (this.#used === CHUNK_BYTES) this.flush();
    this.#buffer ??= pool.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
    return this.#buffer;
  }
}
