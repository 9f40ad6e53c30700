/**
 * The generic registry: what get, create, update and delete of one resource mean, whatever its kind
 * (apiserver/pkg/registry/generic/registry/store.go). The kind's strategy is asked at the points named in strategy.ts;
 * lists and watches are served from the cacher.
 */

import { withoutNewTimes } from '@keelson/api/apply/manager';
import { copyOf } from '@keelson/api/codec/empties';
import { decodeStored } from '@keelson/api/codec/stored';
import { alreadyExists, badRequest, hasReason, notFound, StatusError } from '@keelson/api/errors';
import type { KubeObject } from '@keelson/api/object';
import { clone, equal } from '@keelson/api/patch/value';
import { formatTime } from '@keelson/api/time';
import type { Store, WriteResult } from '@keelson/storage/store';
import type { Logger } from '../logger.ts';
import { type CachedObject, Cacher } from './cacher.ts';
import { ObjectCodec } from './codec.ts';
import { GENERATE_NAME_ATTEMPTS, generateName, generateNameConflict } from './generatename.ts';
import { lookUp } from './lookup.ts';
import { checkPreconditions, checkResourceVersion, type Preconditions, revisionSaidBy } from './preconditions.ts';
import { checkNamespace, prepareCreate, prepareUpdate } from './prepare.ts';
import { keyOf, type ResourceDefinition, requestedKeyOf } from './resource.ts';
import { storeError } from './store-error.ts';
import type { Strategy, StrategyContext, WriteHook } from './strategy.ts';

export interface Environment {
  readonly store: Store;
  readonly now: () => Date;
  readonly uuid: () => string;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
}

/** What a write asks of its caller. */
export interface WriteRequest {
  readonly ctx: StrategyContext;
  readonly warn: (text: string) => void;
}

export interface CreateRequest extends WriteRequest {
  /** Validating admission; throws StatusError. */
  readonly admit?: (object: KubeObject) => Promise<void>;
  /** It comes by a subresource's view: nothing is allocated around the write. */
  readonly throughView?: boolean;
  /** What it was asked for as, under which it is stored even where admission has given it another name. */
  readonly requestedName?: string;
}

export interface UpdateRequest extends WriteRequest {
  readonly name: string;
  readonly preconditions?: Preconditions;
  /** The new object, given the stored one (undefined: it does not exist). Called again after a lost race. */
  readonly transform: (existing: KubeObject | undefined) => Promise<KubeObject> | KubeObject;
  /** Apply creates what does not exist, whatever the kind says about PUT. */
  readonly forceAllowCreate?: boolean;
  /** Replaces parts of the kind's strategy: a subresource's view. */
  readonly view?: Partial<Strategy>;
  readonly admitCreate?: (object: KubeObject) => Promise<void>;
  readonly admitUpdate?: (object: KubeObject, old: KubeObject) => Promise<void>;
}

export interface Updated {
  readonly object: KubeObject;
  readonly created: boolean;
  readonly deleted: boolean;
}

export class ResourceStore {
  readonly definition: ResourceDefinition;
  readonly codec: ObjectCodec;
  readonly cacher: Cacher;
  readonly environment: Environment;

  /** @param cacher of a resource that is stored under the same keys, if there is one */
  constructor(definition: ResourceDefinition, environment: Environment, cacher?: Cacher) {
    this.definition = definition;
    this.environment = environment;
    this.codec = new ObjectCodec(definition);
    this.cacher =
      cacher ??
      new Cacher({
        store: environment.store,
        prefix: definition.prefix,
        decode: (kv) => this.codec.cached(kv),
        now: environment.now,
        logger: environment.logger,
      });
  }

  /** The newest state. @throws StatusError 404 */
  async getCached(namespace: string, name: string): Promise<CachedObject> {
    const found = await lookUp(this, requestedKeyOf(this.definition, namespace, name), () => this.cacher.fresh());
    if (!found) throw notFound(this.definition, name);
    return found;
  }

  /** What the watch cache has, which may be a moment old. */
  cached(namespace: string, name: string): CachedObject | undefined {
    return this.cacher.get(keyOf(this.definition, namespace, name));
  }

  /** A fresh object in the storage version that the caller may change. @throws StatusError 404 */
  async get(namespace: string, name: string): Promise<KubeObject> {
    return this.codec.object(await this.getCached(namespace, name));
  }

  /** Sets creationTimestamp, uid and, from generateName, the name. @throws StatusError 409, 422 */
  async create(object: KubeObject, request: CreateRequest): Promise<KubeObject> {
    const { metadata } = object;
    const { strategy } = this.definition.registration;
    metadata.creationTimestamp = formatTime(request.ctx.now);
    metadata.uid = this.environment.uuid();
    if (metadata.name || !metadata.generateName) return this.#create(object, request);
    for (let attempt = 1; ; attempt++) {
      const candidate = copyOf(object);
      candidate.metadata.name =
        strategy.generateName?.(metadata.generateName) ?? generateName(metadata.generateName, this.environment.random);
      try {
        return await this.#create(candidate, request);
      } catch (error) {
        if (!hasReason(error, 'AlreadyExists')) throw error;
        if (attempt === GENERATE_NAME_ATTEMPTS) throw generateNameConflict(this.definition, candidate.metadata.name);
      }
    }
  }

  async #create(object: KubeObject, request: CreateRequest): Promise<KubeObject> {
    const { ctx } = request;
    const { strategy } = this.definition.registration;
    const hook = request.throughView ? undefined : await strategy.beginCreate?.(ctx, object);
    try {
      await prepareCreate(this.definition, object, request);
      await request.admit?.(object);
      const created = await this.#insert(object, ctx, request.requestedName);
      await hook?.commit?.();
      return created;
    } catch (error) {
      await hook?.revert?.();
      throw error;
    }
  }

  async update(request: UpdateRequest): Promise<Updated> {
    const { ctx, name, view } = request;
    const strategy = viewed(this.definition.registration.strategy, view);
    const key = requestedKeyOf(this.definition, ctx.namespace, name);
    return this.#settle<Updated>(key, ctx.dryRun, async (current, isNewest) => {
      if (current) {
        const existing = this.codec.object(current);
        this.#checkPreconditions(request, existing, key);
        return this.#updateExisting(existing, current, isNewest, strategy, request);
      }
      if (!strategy.allowCreateOnUpdate && !request.forceAllowCreate) throw notFound(this.definition, name);
      const object = await request.transform(undefined);
      this.#checkPreconditions(request, undefined, key);
      const created = await this.#createOnUpdate(object, request);
      return created ? { object: created, created: true, deleted: false } : 'lost';
    });
  }

  /**
   * Changes a stored object in place, without the kind's strategy: what the server itself does to it (bindings,
   * conditions). `change` runs again after a lost race; what it throws is thrown.
   * @throws StatusError 404, 409 (preconditions)
   */
  async change(request: {
    readonly ctx: StrategyContext;
    readonly name: string;
    readonly preconditions?: Preconditions;
    readonly change: (object: KubeObject) => void;
  }): Promise<KubeObject> {
    const { ctx, name } = request;
    if (name === '') throw badRequest('Name parameter required.');
    const key = requestedKeyOf(this.definition, ctx.namespace, name);
    return this.#settle<KubeObject>(key, ctx.dryRun, async (current, isNewest) => {
      if (!current) throw notFound(this.definition, name);
      const object = this.codec.object(current);
      this.#checkPreconditions(request, object, key);
      request.change(object);
      return this.write(object, current, ctx.dryRun, isNewest);
    });
  }

  /**
   * Runs `attempt` on the stored object until it has lost no race. A remote store is not asked before: what comes out of
   * the watch cache's object, which may be a moment old, without being written (an error, no change) is tried again on the
   * newest one (apiserver/pkg/storage/etcd3/store.go, GuaranteedUpdate).
   */
  async #settle<T>(
    key: string,
    dryRun: boolean,
    attempt: (current: CachedObject | undefined, isNewest: boolean) => Promise<T | 'lost'>,
  ): Promise<T> {
    let isNewest = this.environment.store.embedded || dryRun;
    let current = await lookUp(this, key, () => (isNewest ? this.cacher.fresh() : this.cacher.ready()));
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

  /**
   * Writes an object as it is, without strategy: for the server's own bookkeeping during deletion.
   * @param isNewest whether `current` is certainly no older than the call
   */
  async write(
    given: KubeObject,
    current: CachedObject,
    dryRun: boolean,
    isNewest: boolean,
  ): Promise<KubeObject | 'lost'> {
    const { object, bytes } = this.codec.encode(given, !dryRun);
    if (dryRun) return object;
    if (bytes.equals(current.bytes)) {
      if (!isNewest) return 'lost';
      if (!(await this.#isStale(current))) return object;
    }
    const ttlSeconds = this.definition.registration.strategy.ttlSeconds?.(object);
    const result = await this.#guard(() =>
      this.environment.store.put(current.key, bytes, {
        expect: current.revision,
        ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
      }),
    );
    return result.ok ? this.#written(object, result) : 'lost';
  }

  /** Whether it is to be written again as it is (etcd3/store.go: what is stored under an old key of encryption). */
  #isStale({ key, revision }: CachedObject): Promise<boolean> | undefined {
    return this.environment.store.isStale?.(key, revision);
  }

  /** Removes the key if it still is what `current` says. */
  async remove(current: CachedObject): Promise<number | 'lost'> {
    const result = await this.#guard(() => this.environment.store.delete(current.key, { expect: current.revision }));
    return result.ok ? result.revision : 'lost';
  }

  /** The state after a lost race: read from the store, since a remote store's event may still be on its way. */
  async reread(key: string): Promise<CachedObject | undefined> {
    const { kv } = await this.environment.store.get(key);
    return kv && this.codec.cached(kv);
  }

  async #insert(given: KubeObject, ctx: StrategyContext, requestedName?: string): Promise<KubeObject> {
    const name = given.metadata.name ?? '';
    const key = requestedKeyOf(this.definition, ctx.namespace, requestedName ?? name);
    if (ctx.dryRun) {
      const existing = await lookUp(this, key, () => this.cacher.fresh());
      if (existing) throw this.#exists(existing, name);
      return this.codec.encode(given).object;
    }
    const version = given.metadata.resourceVersion ?? '';
    if (/^[1-9]\d*$/.test(version)) {
      throw new StatusError(500, '', 'resourceVersion should not be set on objects to be created');
    }
    delete given.metadata.resourceVersion;
    const { object, bytes } = this.codec.encode(given);
    const ttlSeconds = this.definition.registration.strategy.ttlSeconds?.(object);
    const result = await this.#guard(() =>
      this.environment.store.put(key, bytes, { expect: 0, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) }),
    );
    if (!result.ok) throw this.#exists(result.current && this.codec.cached(result.current), name);
    return this.#written(object, result);
  }

  #written(object: KubeObject, { revision, value }: { revision: number; value?: Uint8Array }): KubeObject {
    return withRevision(value ? decodeStored(value).object : object, revision);
  }

  #exists(existing: CachedObject | undefined, name: string): StatusError {
    const error = alreadyExists(this.definition, name);
    if (!existing || this.codec.object(existing).metadata.deletionTimestamp === undefined) return error;
    return new StatusError(error.code, error.reason, `object is being deleted: ${error.message}`, error.details);
  }

  /** @returns undefined when somebody else created it meanwhile */
  async #createOnUpdate(object: KubeObject, request: UpdateRequest): Promise<KubeObject | undefined> {
    revisionSaidBy(object);
    // A dry run does not come as far as the store, which takes it away.
    if (!request.ctx.dryRun) delete object.metadata.resourceVersion;
    try {
      return await this.create(object, {
        ctx: request.ctx,
        warn: request.warn,
        throughView: request.view !== undefined,
        requestedName: request.name,
        ...(request.admitCreate ? { admit: request.admitCreate } : {}),
      });
    } catch (error) {
      if (hasReason(error, 'AlreadyExists') && !request.ctx.dryRun) return undefined;
      throw error;
    }
  }

  async #updateExisting(
    existing: KubeObject,
    current: CachedObject,
    isNewest: boolean,
    strategy: Strategy,
    request: UpdateRequest,
  ): Promise<Updated | 'lost'> {
    const { ctx, name } = request;
    const object = await request.transform(clone(existing));
    checkResourceVersion({ definition: this.definition, name }, object, current, strategy);
    const hook: WriteHook | undefined = await strategy.beginUpdate?.(ctx, object, existing);
    try {
      checkNamespace(this.definition, ctx.namespace, object);
      await prepareUpdate(this.definition, strategy, object, existing, request);
      object.metadata.managedFields = withoutNewTimes(existing, object).metadata.managedFields!;
      if (!object.metadata.managedFields) delete object.metadata.managedFields;
      await request.admitUpdate?.(object, existing);

      if (shouldDelete(object, existing) && (strategy.shouldDeleteDuringUpdate?.(object, existing) ?? true)) {
        if (!ctx.dryRun) {
          const removed = await this.remove(current);
          if (removed === 'lost') return await this.#lost(hook);
          await strategy.afterDelete?.(ctx, object);
        }
        await hook?.commit?.();
        return { object: this.codec.encode(object).object, created: false, deleted: true };
      }
      const unchanged = () => (isNewest ? this.codec.unchanged(current) : 'lost');
      const staysAsItIs =
        isUnchanged(object, existing) && (ctx.dryRun || !(isNewest && (await this.#isStale(current))));
      const written = staysAsItIs ? unchanged() : await this.write(object, current, ctx.dryRun, isNewest);
      if (written === 'lost') return await this.#lost(hook);
      await hook?.commit?.();
      return { object: written, created: false, deleted: false };
    } catch (error) {
      await hook?.revert?.();
      throw error;
    }
  }

  async #lost(hook: WriteHook | undefined): Promise<'lost'> {
    await hook?.revert?.();
    return 'lost';
  }

  #checkPreconditions(
    { preconditions, ctx, name }: { readonly preconditions?: Preconditions } & Pick<UpdateRequest, 'ctx' | 'name'>,
    existing: KubeObject | undefined,
    key: string,
  ): void {
    const { definition } = this;
    if (preconditions) checkPreconditions(preconditions, existing, { definition, name, key, dryRun: ctx.dryRun });
  }

  async #guard(write: () => Promise<WriteResult>): Promise<WriteResult> {
    try {
      return await write();
    } catch (error) {
      const said = storeError(error) ?? error;
      uncertain.add(said as Error);
      throw said;
    }
  }
}

/** Failures of the store: of such a write nobody knows whether it happened. */
const uncertain = new WeakSet<Error>();

/** A view warns, allocates, asks who may write and checks the rest of metadata only where it says so itself. */
function viewed(strategy: Strategy, view: Partial<Strategy> | undefined): Strategy {
  if (!view) return strategy;
  const { warningsOnUpdate: _, beginUpdate: __, updateChecks: ___, checkAccess: ____, ...shared } = strategy;
  return { ...shared, ...view };
}

/** Nothing holds the object any more: deletion was asked for, its grace is over, and its last finalizer goes. */
function shouldDelete(object: KubeObject, existing: KubeObject): boolean {
  if ((object.metadata.finalizers?.length ?? 0) > 0) return false;
  if (existing.metadata.deletionTimestamp === undefined) return false;
  return (existing.metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

function withRevision(object: KubeObject, revision: number): KubeObject {
  object.metadata.resourceVersion = String(revision);
  return object;
}

/** Whether there is nothing to write, whatever the order of keys. */
function isUnchanged(object: KubeObject, existing: KubeObject): boolean {
  const { resourceVersion } = existing.metadata;
  const same = resourceVersion === object.metadata.resourceVersion;
  return equal(same ? object : { ...object, metadata: { ...object.metadata, resourceVersion } }, existing);
}
