import type { WriteOptions, WriteResult } from './store.ts';
import { TransformedStore } from './transformed-store.ts';

/**
 * A store in which values lie in another form and come back as they were. What is being written needs not be decoded: the event
 * of an embedded store brings the same bytes.
 */
export abstract class EncodedStore extends TransformedStore {
  /** By how it is stored. */
  readonly #beingWritten = new Map<Uint8Array, Uint8Array>();

  protected abstract override write(key: string, value: Uint8Array): Uint8Array;

  override async put(key: string, value: Uint8Array, options: WriteOptions): Promise<WriteResult> {
    const stored = this.write(key, value);
    this.#beingWritten.set(stored, value);
    try {
      return await this.outcome(await this.inner.put(key, stored, options));
    } finally {
      this.#beingWritten.delete(stored);
    }
  }

  /** @returns what was put, if these bytes are what is being written of it */
  protected putAs(stored: Uint8Array): Uint8Array | undefined {
    return this.#beingWritten.get(stored);
  }
}
