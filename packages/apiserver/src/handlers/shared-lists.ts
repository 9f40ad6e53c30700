/**
 * Lists that many ask for at once, as all informers do when a server has come back, are written (and compressed) once, and the
 * answers carry the same chunks.
 */

/** Larger bodies are each written anew, chunk by chunk, and held by nobody. */
const MAX_BODY_BYTES = 4 << 20;
const MAX_ALL_BYTES = 16 << 20;
/** Smaller ones cost less than keeping them. */
const MIN_BODY_BYTES = 16 << 10;
const MAX_KEYS = 256;
/** For so long a list is remembered after it was asked for first. */
const KEPT_MS = 1000;

/** A body on its way to any number of answers. */
export class SharedBody {
  readonly #source: AsyncIterator<Buffer>;
  readonly #chunks: Buffer[] = [];
  #next: Promise<void> | undefined;
  #ended = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The chunk at an index, once it is there; undefined behind the last. Whoever is ahead has it made. @throws what the source throws */
  async chunkAt(index: number): Promise<Buffer | undefined> {
    while (index >= this.#chunks.length && !this.#ended) {
      this.#next ??= this.#take();
      await this.#next;
    }
    return this.#chunks[index];
  }

  /** What the source has thrown everybody is told who comes that far. */
  async #take(): Promise<void> {
    const { value, done } = await this.#source.next();
    if (done) this.#ended = true;
    else this.#chunks.push(value);
    this.#next = undefined;
  }
}

interface Known {
  readonly bytes: number;
  body: SharedBody | undefined;
}

export class SharedLists {
  readonly #known = new Map<string, Known>();
  #bytes = 0;

  /**
   * From the second time on that a list is asked for within a second it is shared.
   * @param key the same for lists whose bodies are the same, byte for byte
   * @param bytes of the body, about
   * @param source of a body that nobody has asked for yet
   * @returns undefined for a list that is to be written for this answer alone
   */
  join(key: string, bytes: number, source: () => AsyncIterable<Buffer>): SharedBody | undefined {
    if (bytes < MIN_BODY_BYTES || bytes > MAX_BODY_BYTES) return undefined;
    const known = this.#known.get(key);
    if (!known) {
      this.#remember(key, bytes);
      return undefined;
    }
    if (!known.body && this.#bytes + bytes <= MAX_ALL_BYTES) {
      this.#bytes += bytes;
      known.body = new SharedBody(source());
    }
    return known.body;
  }

  #remember(key: string, bytes: number): void {
    if (this.#known.size >= MAX_KEYS) return;
    const known: Known = { bytes, body: undefined };
    this.#known.set(key, known);
    setTimeout(() => {
      this.#known.delete(key);
      if (known.body) this.#bytes -= bytes;
    }, KEPT_MS).unref();
  }
}
