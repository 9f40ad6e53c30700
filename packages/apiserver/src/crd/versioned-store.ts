/**
 * The store as one version of a custom resource sees it: objects lie there as whatever was the storage version when they
 * were written, and come out as objects of this version, pruned and defaulted by the schema of the one they were stored in.
 *
 *     store ──bytes──▶ parse ─▶ prune, default (schema of the stored version) ─▶ convert ──▶ watch cache of this version
 *     store ◀─────────────────────────────── convert to the storage version ◀── write
 */
import { decodeStored, encodeStored, parseStored } from '@keelson/api/codec/stored';
import { apiVersionOf, type KubeObject, parseApiVersion } from '@keelson/api/object';
import type {
  KeyValue,
  ListOptions,
  ListResult,
  ReadOptions,
  Store,
  Watch,
  WatchBatch,
  WatchOptions,
  WriteOptions,
  WriteResult,
} from '@keelson/storage/store';
import { type Conversion, RENAMING } from './conversion.ts';
import type { CustomSchema } from './schema/index.ts';

export interface Versions {
  readonly group: string;
  /** The version that objects are read as. */
  readonly own: string;
  readonly storage: string;
  /** By version; every one that objects may be stored in. */
  readonly schemas: ReadonlyMap<string, CustomSchema>;
  readonly conversion: Conversion;
}

export class VersionedStore implements Store {
  readonly #inner: Store;
  readonly #versions: Versions;
  readonly #own: string;
  readonly #storage: string;
  /** What was written as it is comes back by the watch, and is as it should be. */
  readonly #known = new WeakSet<Uint8Array>();

  constructor(inner: Store, versions: Versions) {
    this.#inner = inner;
    this.#versions = versions;
    this.#own = apiVersionOf({ group: versions.group, version: versions.own });
    this.#storage = apiVersionOf({ group: versions.group, version: versions.storage });
  }

  /** What a webhook has to look at comes later than the answer to its write. */
  get embedded(): boolean {
    return this.#inner.embedded && !this.#isRemote;
  }
  get #isRemote(): boolean {
    return this.#versions.conversion !== RENAMING;
  }

  currentRevision(): Promise<number> {
    return this.#inner.currentRevision();
  }
  async get(key: string, options?: ReadOptions) {
    const { kv, revision } = await this.#inner.get(key, options);
    return { kv: kv && (await this.#read([kv]))[0], revision };
  }
  async list(options: ListOptions): Promise<ListResult> {
    const result = await this.#inner.list(options);
    return { ...result, kvs: await this.#read(result.kvs) };
  }
  async put(key: string, value: Uint8Array, options: WriteOptions): Promise<WriteResult> {
    const stored = await this.#write(value);
    if (stored === value) this.#known.add(value);
    const result = await this.#outcome(await this.#inner.put(key, stored, options));
    if (!result.ok || stored === value) return result;
    const { revision } = result;
    const kv = { key, value: stored, createRevision: revision, modRevision: revision, version: 1 };
    const [seen] = await this.#read([kv]);
    return { ...result, value: seen!.value };
  }
  async delete(key: string, options: { readonly expect: number }): Promise<WriteResult> {
    return this.#outcome(await this.#inner.delete(key, options));
  }

  watch(options: WatchOptions): Watch {
    return this.#isRemote ? this.#watchRemotely(options) : this.#watchAtOnce(options);
  }

  #watchAtOnce({ onBatch, ...options }: WatchOptions): Watch {
    return this.#inner.watch({
      ...options,
      onBatch: (batch) => onBatch(withValues(batch, this.#read(putsOf(batch)) as readonly KeyValue[])),
    });
  }

  /** One batch after the other, each when the webhook has answered. */
  #watchRemotely({ onBatch, onError, ...options }: WatchOptions): Watch {
    let isOver = false;
    let last: Promise<void> = Promise.resolve();
    const next = (step: () => Promise<void>): void => {
      last = last.then(async () => {
        if (!isOver) await step();
      });
    };
    const fail = (error: unknown): void => {
      isOver = true;
      watch.close();
      onError(error as Error);
    };
    const watch = this.#inner.watch({
      ...options,
      onBatch: (batch) =>
        next(async () => {
          try {
            const kvs = await this.#read(putsOf(batch));
            if (!isOver) onBatch(withValues(batch, kvs));
          } catch (error) {
            fail(error);
          }
        }),
      onError: (error) => next(async () => fail(error)),
    });
    return {
      close: () => {
        isOver = true;
        watch.close();
      },
    };
  }

  requestProgress(revision: number): void {
    this.#inner.requestProgress(revision);
  }
  compact(revision: number): Promise<void> {
    return this.#inner.compact(revision);
  }
  compactedRevision(): Promise<number> {
    return this.#inner.compactedRevision();
  }
  size(): Promise<number> {
    return this.#inner.size();
  }
  health(): Promise<void> {
    return this.#inner.health();
  }
  /** The store belongs to all resources: it stays open. */
  async close(): Promise<void> {}

  async #outcome(result: WriteResult): Promise<WriteResult> {
    return result.ok || !result.current ? result : { ...result, current: (await this.#read([result.current]))[0] };
  }

  /** A promise where a webhook has to be asked alone. */
  #read(kvs: readonly KeyValue[]): readonly KeyValue[] | Promise<readonly KeyValue[]> {
    const objects = kvs.map(({ value }) => (this.#known.has(value) ? undefined : this.#normalized(value)));
    const others = objects.flatMap((object, i) => (object && object.apiVersion !== this.#own ? [i] : []));
    const finish = (converted: readonly KubeObject[]): readonly KeyValue[] => {
      for (const [i, object] of converted.entries()) objects[others[i]!] = this.#pruned(object, this.#own);
      return kvs.map((kv, i) => (objects[i] ? { ...kv, value: encodeStored(objects[i]) } : kv));
    };
    if (others.length === 0) return finish([]);
    const converted = this.#versions.conversion.convert(
      others.map((i) => objects[i]!),
      this.#own,
    );
    return converted instanceof Promise ? converted.then(finish) : finish(converted as readonly KubeObject[]);
  }

  /** Pruned and defaulted by the schema of the version that it was stored in. */
  #normalized(value: Uint8Array): KubeObject {
    const { object } = decodeStored(value);
    this.#pruned(object, object.apiVersion ?? '');
    this.#schemaOf(object.apiVersion ?? '')?.applyDefaults(object);
    return object;
  }

  #pruned(object: KubeObject, apiVersion: string): KubeObject {
    this.#schemaOf(apiVersion)?.prune(object);
    return object;
  }

  #schemaOf(apiVersion: string): CustomSchema | undefined {
    return this.#versions.schemas.get(parseApiVersion(apiVersion).version);
  }

  async #write(value: Uint8Array): Promise<Uint8Array> {
    if (this.#own === this.#storage) return value;
    const [converted] = await this.#versions.conversion.convert([parseStored(value as Buffer)], this.#storage);
    return encodeStored(this.#pruned(converted!, this.#storage));
  }
}

function putsOf({ events }: WatchBatch): KeyValue[] {
  return events.flatMap((event) => (event.type === 'put' ? [event.kv] : []));
}

/** The batch with other values in its puts, in order. */
function withValues(batch: WatchBatch, kvs: readonly KeyValue[]): WatchBatch {
  const rest = kvs[Symbol.iterator]();
  const events = batch.events.map((event) => (event.type === 'put' ? { ...event, kv: rest.next().value! } : event));
  return { ...batch, events };
}
