/**
 * The store as a resource sees it that may be encrypted. Who encrypts is asked for each value anew, since the configuration may
 * be read again.
 */
import { internalError } from '@keelson/api/errors';
import { EncodedStore } from '@keelson/storage/encoded-store';
import { type KeyValue, type Store, UnreadableValueError, type WriteResult } from '@keelson/storage/store';
import { asError } from '../aggregate.ts';
import { Pace } from '../registry/pace.ts';
import { joined, type Opened, type ValueTransformer } from './transformer.ts';

/** What is decrypted in one go. */
const BYTES_AT_ONCE = 256 * 1024;

export interface EncryptedStoreOptions {
  readonly transformer: () => ValueTransformer;
  /** The key as it stands in etcd. */
  readonly pathOf: (key: string) => string;
}

export class EncryptedStore extends EncodedStore {
  readonly #options: EncryptedStoreOptions;

  constructor(inner: Store, options: EncryptedStoreOptions) {
    super(inner);
    this.#options = options;
  }

  protected async isOutdated(kv: KeyValue): Promise<boolean> {
    return (await this.#open(kv)).stale;
  }

  /** @throws StatusError 500 */
  protected write(key: string, value: Uint8Array): Uint8Array {
    const { transformer, pathOf } = this.#options;
    try {
      return joined(transformer().seal(value, pathOf(key)));
    } catch (error) {
      throw internalError(asError(error).message);
    }
  }

  protected read(kvs: readonly KeyValue[]): readonly KeyValue[] | Promise<readonly KeyValue[]> {
    const read: KeyValue[] = [];
    let left = BYTES_AT_ONCE;
    for (const kv of kvs) {
      const known = this.putAs(kv.value);
      if (known) {
        read.push({ ...kv, value: known });
        continue;
      }
      if (left <= 0) return this.#readOn(kvs, read);
      const opened = this.#open(kv);
      if (opened instanceof Promise) return this.#readOn(kvs, read, opened);
      read.push({ ...kv, value: opened.value });
      left -= kv.value.length;
    }
    return read;
  }

  /** The rest of them, with time for others. @param next the first of the rest, if it is being read already */
  async #readOn(kvs: readonly KeyValue[], read: KeyValue[], next?: Promise<Opened>): Promise<readonly KeyValue[]> {
    const pace = new Pace();
    for (const kv of kvs.slice(read.length)) {
      const { value } = await (next ?? this.#open(kv));
      next = undefined;
      read.push({ ...kv, value });
      await pace.after(kv.value.length);
    }
    return read;
  }

  /** @throws UnreadableValueError */
  #open({ key, value }: KeyValue): Opened | Promise<Opened> {
    const { transformer, pathOf } = this.#options;
    const refuse = (cause: unknown): never => {
      throw new UnreadableValueError(pathOf(key), asError(cause).message, { cause, isSealed: true });
    };
    try {
      const opened = transformer().open(asBuffer(value), pathOf(key));
      return opened instanceof Promise ? opened.catch(refuse) : opened;
    } catch (error) {
      return refuse(error);
    }
  }

  /** One who has lost a race looks again, and is told then what can't be read. */
  protected override async outcome(result: WriteResult): Promise<WriteResult> {
    return super.outcome(result).catch((error: unknown) => {
      if (!(error instanceof UnreadableValueError)) throw error;
      return { ok: false, current: undefined, revision: result.revision };
    });
  }
}

function asBuffer(value: Uint8Array): Buffer {
  return value instanceof Buffer ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
