import { encodeProtobuf, isProtobuf } from '@keelson/api/codec/protobuf';
import { parseStored } from '@keelson/api/codec/stored';
import type { StructType } from '@keelson/api/schema';
import type { KeyValue, Store, WriteOptions, WriteResult } from '@keelson/storage/store';
import { TransformedStore } from '@keelson/storage/transformed-store';

/**
 * Built-in objects as protobuf in the store, as kube-apiserver keeps them (`--storage-media-type`). What is read may be of either
 * form: whoever decodes it sees which.
 */
export class ProtobufStore extends TransformedStore {
  readonly #type: StructType;
  /** What is being written, by how it is stored: the event of an embedded store brings the same bytes. */
  readonly #beingWritten = new Map<Uint8Array, Uint8Array>();

  constructor(inner: Store, type: StructType) {
    super(inner);
    this.#type = type;
  }

  override async put(key: string, value: Uint8Array, options: WriteOptions): Promise<WriteResult> {
    const stored = this.write(key, value);
    this.#beingWritten.set(stored, value);
    try {
      return await this.outcome(await this.inner.put(key, stored, options));
    } finally {
      this.#beingWritten.delete(stored);
    }
  }

  /** What lies there as JSON becomes protobuf with the next write. */
  override async isStale(key: string, revision: number): Promise<boolean> {
    const { kv } = await this.inner.get(key);
    return kv?.modRevision === revision && (!isProtobuf(kv.value) || (await super.isStale(key, revision)));
  }

  protected write(_key: string, value: Uint8Array): Uint8Array {
    // Memory of its own: stores keep it.
    return new Uint8Array(encodeProtobuf(parseStored(value as Buffer), this.#type));
  }

  protected read(kvs: readonly KeyValue[]): readonly KeyValue[] {
    if (this.#beingWritten.size === 0) return kvs;
    return kvs.map((kv) => {
      const known = this.#beingWritten.get(kv.value);
      return known ? { ...kv, value: known } : kv;
    });
  }
}
