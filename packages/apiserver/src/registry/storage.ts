/**
 * Where the objects of one resource lie: found in the watch cache or the store, and written only as long as they are what the
 * writer has seen (apiserver/pkg/storage/etcd3/store.go). It knows keys, bytes and revisions; what a kind means is for store.ts.
 */
import { decodeStored } from '@keelson/api/codec/stored';
import { alreadyExists, StatusError } from '@keelson/api/errors';
import type { KubeObject } from '@keelson/api/object';
import { type Store, UnreadableValueError, type WriteResult } from '@keelson/storage/store';
import { workOn } from '../pieces.ts';
import type { CachedObject } from './cached-objects.ts';
import type { Cacher } from './cacher.ts';
import type { ObjectCodec } from './codec.ts';
import type { ResourceDefinition } from './resource.ts';
import { storeError } from './store-error.ts';

/** Failures of the store: of such a write nobody knows whether it happened. */
const uncertain = new WeakSet<Error>();

export class ObjectStorage {
  readonly #definition: ResourceDefinition;
  readonly #codec: ObjectCodec;
  readonly #cacher: Cacher;
  readonly #store: Store;

  constructor(definition: ResourceDefinition, codec: ObjectCodec, cacher: Cacher, store: Store) {
    this.#definition = definition;
    this.#codec = codec;
    this.#cacher = cacher;
    this.#store = store;
  }

  /**
   * One object out of the watch cache when `ready` resolves; out of the store itself where another object can't be read, or
   * converted, and keeps the cache from being filled.
   * @throws UnreadableValueError, StatusError if it is this one
   */
  async find(key: string, ready: () => Promise<unknown>): Promise<CachedObject | undefined> {
    try {
      await ready();
    } catch (error) {
      if (error instanceof UnreadableValueError || error instanceof StatusError) return this.reread(key);
      throw error;
    }
    return this.#cacher.get(key);
  }

  /** The state after a lost race: read from the store, since a remote store's event may still be on its way. */
  async reread(key: string): Promise<CachedObject | undefined> {
    const { kv } = await this.#store.get(key);
    return kv && this.#codec.cached(kv);
  }

  /**
   * Runs `attempt` on the stored object until it has lost no race. A remote store is not asked before: what comes out of
   * the watch cache's object, which may be a moment old, without being written (an error, no change) is tried again on the
   * newest one (GuaranteedUpdate).
   * @param attempt is told whether the object is certainly no older than the call
   * @throws what the attempt on the newest object throws
   */
  async settle<T>(
    key: string,
    dryRun: boolean,
    attempt: (current: CachedObject | undefined, isNewest: boolean) => Promise<T | 'lost'>,
  ): Promise<T> {
    let isNewest = this.#store.embedded || dryRun;
    let current = await this.find(key, () => (isNewest ? this.#cacher.fresh() : this.#cacher.ready()));
    if (!current && !isNewest) {
      current = await this.reread(key);
      isNewest = true;
    }
    for (;;) {
      let failure: StatusError | undefined;
      try {
        const outcome = await attempt(current, isNewest);
        if (outcome !== 'lost') return outcome;
      } catch (error) {
        if (isNewest || !(error instanceof StatusError) || uncertain.has(error)) throw error;
        failure = error;
      }
      const newest = await this.reread(key);
      if (failure && newest?.revision === current?.revision) throw failure;
      current = newest;
      isNewest = true;
    }
  }

  /** Stores what is not there yet. @param size of it, about, in bytes. @throws StatusError 409; 500 where it carries a resourceVersion */
  async create(key: string, given: KubeObject, dryRun: boolean, size = 0): Promise<KubeObject> {
    const name = given.metadata.name ?? '';
    if (dryRun) {
      const existing = await this.find(key, () => this.#cacher.fresh());
      if (existing) throw this.#exists(existing, name);
      return (await workOn(size, this.#codec.encoding(given))).object;
    }
    const version = given.metadata.resourceVersion ?? '';
    if (/^[1-9]\d*$/.test(version)) {
      throw new StatusError(500, '', 'resourceVersion should not be set on objects to be created');
    }
    delete given.metadata.resourceVersion;
    const { object, bytes } = await workOn(size, this.#codec.encoding(given));
    const result = await this.#put(key, object, bytes, 0);
    if (!result.ok) throw this.#exists(result.current && this.#codec.cached(result.current), name);
    return written(object, result);
  }

  /**
   * Writes an object as it is in the place of `current`.
   * @param isNewest whether `current` is certainly no older than the call
   */
  async write(
    given: KubeObject,
    current: CachedObject,
    dryRun: boolean,
    isNewest: boolean,
  ): Promise<KubeObject | 'lost'> {
    const { object, bytes } = await workOn(current.bytes.length, this.#codec.encoding(given, !dryRun));
    if (dryRun) return object;
    if (bytes.equals(current.bytes)) {
      if (!isNewest) return 'lost';
      if (!(await this.isStale(current))) return object;
    }
    const result = await this.#put(current.key, object, bytes, current.revision);
    return result.ok ? written(object, result) : 'lost';
  }

  /** Whether it is to be written again as it is: what is stored under an old key of encryption. */
  isStale({ key, revision }: CachedObject): Promise<boolean> | undefined {
    return this.#store.isStale?.(key, revision);
  }

  /** Removes the object if it still is what `current` says. @returns the revision of its deletion */
  async remove(current: CachedObject): Promise<number | 'lost'> {
    const result = await guarded(() => this.#store.delete(current.key, { expect: current.revision }));
    return result.ok ? result.revision : 'lost';
  }

  #put(key: string, object: KubeObject, bytes: Buffer, expect: number): Promise<WriteResult> {
    const ttlSeconds = this.#definition.registration.strategy.ttlSeconds?.(object);
    return guarded(() => this.#store.put(key, bytes, { expect, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) }));
  }

  #exists(existing: CachedObject | undefined, name: string): StatusError {
    const error = alreadyExists(this.#definition, name);
    if (!existing || this.#codec.object(existing).metadata.deletionTimestamp === undefined) return error;
    return new StatusError(error.code, error.reason, `object is being deleted: ${error.message}`, error.details);
  }
}

function written(object: KubeObject, { revision, value }: { revision: number; value?: Uint8Array }): KubeObject {
  const stored = value ? decodeStored(value).object : object;
  stored.metadata.resourceVersion = String(revision);
  return stored;
}

async function guarded(write: () => Promise<WriteResult>): Promise<WriteResult> {
  try {
    return await write();
  } catch (error) {
    const said = storeError(error) ?? error;
    uncertain.add(said as Error);
    throw said;
  }
}
