/**
 * The store as one version of a custom resource sees it: objects lie there as whatever was the storage version when they
 * were written, and come out as objects of this version, pruned and defaulted by the schema of the one they were stored in.
 *
 *     store ──bytes──▶ parse ─▶ prune, default (schema of the stored version) ─▶ convert ──▶ watch cache of this version
 *     store ◀─────────────────────────────── convert to the storage version ◀── write
 */
import { encodeSorted, parseStored } from '@keelson/api/codec/stored';
import { apiVersionOf, type KubeObject, parseApiVersion } from '@keelson/api/object';
import type { KeyValue, Store, WriteOptions, WriteResult } from '@keelson/storage/store';
import { TransformedStore } from '@keelson/storage/transformed-store';
import { readStored } from '../registry/readstored.ts';
import { type Conversion, RENAMING } from './conversion.ts';
import { type CustomSchema, repairMetadata } from './schema/index.ts';

export interface Versions {
  readonly group: string;
  /** The version that objects are read as. */
  readonly own: string;
  readonly storage: string;
  /** By version; every one that objects may be stored in. */
  readonly schemas: ReadonlyMap<string, CustomSchema>;
  readonly conversion: Conversion;
}

export class VersionedStore extends TransformedStore {
  readonly #versions: Versions;
  readonly #own: string;
  readonly #storage: string;
  /** What was written as it is comes back by the watch, and is as it should be. */
  readonly #known = new WeakSet<Uint8Array>();

  constructor(inner: Store, versions: Versions) {
    super(inner);
    this.#versions = versions;
    this.#own = apiVersionOf({ group: versions.group, version: versions.own });
    this.#storage = apiVersionOf({ group: versions.group, version: versions.storage });
  }

  /** What a webhook has to look at comes later than the answer to its write. */
  override get embedded(): boolean {
    return this.inner.embedded && this.#versions.conversion === RENAMING;
  }

  override async put(key: string, value: Uint8Array, options: WriteOptions): Promise<WriteResult> {
    const stored = await this.write(key, value);
    if (stored === value) this.#known.add(value);
    const result = await this.outcome(await this.inner.put(key, stored, options));
    if (!result.ok || stored === value) return result;
    const { revision } = result;
    const kv = { key, value: stored, createRevision: revision, modRevision: revision, version: 1 };
    const [seen] = await this.read([kv]);
    return { ...result, value: seen!.value };
  }

  /** Where there is one version, it is the one that all are stored in: nothing is looked up then. */
  override async isStale(key: string, revision: number): Promise<boolean> {
    if (this.#versions.schemas.size > 1) return super.isStale(key, revision);
    return (await this.inner.isStale?.(key, revision)) ?? false;
  }

  /** What lies there in another version than the storage version now is stored in that by the next write, as migrations want it. */
  protected isOutdated(kv: KeyValue): boolean {
    return readStored(kv).object.apiVersion !== this.#storage;
  }

  /** A promise where a webhook has to be asked alone. */
  protected read(kvs: readonly KeyValue[]): readonly KeyValue[] | Promise<readonly KeyValue[]> {
    const objects = kvs.map((kv) => (this.#known.has(kv.value) ? undefined : this.#normalized(kv)));
    const others = objects.flatMap((object, i) => (object && object.apiVersion !== this.#own ? [i] : []));
    const finish = (converted: readonly KubeObject[]): readonly KeyValue[] => {
      for (const [i, object] of converted.entries()) objects[others[i]!] = this.#pruned(object, this.#own);
      return kvs.map((kv, i) => (objects[i] ? { ...kv, value: encodeSorted(objects[i]) } : kv));
    };
    if (others.length === 0) return finish([]);
    const converted = this.#versions.conversion.convert(
      others.map((i) => objects[i]!),
      this.#own,
    );
    return converted instanceof Promise ? converted.then(finish) : finish(converted as readonly KubeObject[]);
  }

  /** Pruned and defaulted by the schema of the version that it was stored in; what is older than checks of metadata is mended. */
  #normalized(kv: KeyValue): KubeObject {
    const { object } = readStored(kv);
    const schema = this.#schemaOf(object.apiVersion ?? '');
    repairMetadata(object);
    schema?.prune(object, { dropsMalformed: true });
    schema?.applyDefaults(object);
    return object;
  }

  #pruned(object: KubeObject, apiVersion: string): KubeObject {
    this.#schemaOf(apiVersion)?.prune(object);
    return object;
  }

  #schemaOf(apiVersion: string): CustomSchema | undefined {
    return this.#versions.schemas.get(parseApiVersion(apiVersion).version);
  }

  protected async write(_key: string, value: Uint8Array): Promise<Uint8Array> {
    if (this.#own === this.#storage) return value;
    const [converted] = await this.#versions.conversion.convert([parseStored(value as Buffer)], this.#storage);
    return encodeSorted(this.#pruned(converted!, this.#storage));
  }
}
