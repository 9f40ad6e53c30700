import { encodeProtobuf, isProtobuf } from '@keelson/api/codec/protobuf';
import { parseStored } from '@keelson/api/codec/stored';
import type { StructType } from '@keelson/api/schema';
import { EncodedStore } from '@keelson/storage/encoded-store';
import type { KeyValue, Store } from '@keelson/storage/store';

/**
 * Built-in objects as protobuf in the store, as kube-apiserver keeps them (`--storage-media-type`). What is read may be of either
 * form: whoever decodes it sees which.
 */
export class ProtobufStore extends EncodedStore {
  readonly #type: StructType;

  constructor(inner: Store, type: StructType) {
    super(inner);
    this.#type = type;
  }

  /** What lies there as JSON becomes protobuf with the next write. */
  protected isOutdated({ value }: KeyValue): boolean {
    return !isProtobuf(value);
  }

  protected write(_key: string, value: Uint8Array): Uint8Array {
    // Memory of its own: stores keep it.
    return new Uint8Array(encodeProtobuf(parseStored(value as Buffer), this.#type));
  }

  protected read(kvs: readonly KeyValue[]): readonly KeyValue[] {
    return kvs.map((kv) => {
      const known = this.putAs(kv.value);
      return known ? { ...kv, value: known } : kv;
    });
  }
}
