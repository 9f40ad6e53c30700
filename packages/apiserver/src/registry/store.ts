/**
 * The generic registry: what get, create, update and delete of one resource mean, whatever its kind
 * (apiserver/pkg/registry/generic/registry/store.go). The kind's strategy is asked at the points named in strategy.ts;
 * lists and watches are served from the cacher.
 */

import { withoutNewTimes } from '@keelson/api/apply/manager';
import { copyOf } from '@keelson/api/codec/empties';
import { badRequest, type GroupResource, hasReason, notFound } from '@keelson/api/errors';
import type { KubeObject } from '@keelson/api/object';
import { clone, equal } from '@keelson/api/patch/value';
import { formatTime } from '@keelson/api/time';
import type { Logger } from '@keelson/component/logs/logger';
import type { Store } from '@keelson/storage/store';
import { pauseFor } from '../pieces.ts';
import type { CachedObject } from './cached-objects.ts';
import { Cacher } from './cacher.ts';
import { ObjectCodec } from './codec.ts';
import { GENERATE_NAME_ATTEMPTS, generateName, generateNameConflict } from './generatename.ts';
import { checkPreconditions, checkResourceVersion, type Preconditions, revisionSaidBy } from './preconditions.ts';
import { checkNamespace, prepareCreate, prepareUpdate } from './prepare.ts';
import { keyOf, type ResourceDefinition, requestedKeyOf } from './resource.ts';
import { ObjectStorage } from './storage.ts';
import type { Strategy, StrategyContext, WriteHook } from './strategy.ts';

export interface Environment {
  readonly store: Store;
  readonly now: () => Date;
  readonly uuid: () => string;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  /** Whether clients are answered as by a watch cache; undefined: as its kind says. */
  readonly isCached?: ((resource: GroupResource) => boolean | undefined) | undefined;
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
  /** Of the body, in bytes. */
  readonly size?: number;
}

export interface UpdateRequest extends WriteRequest {
  readonly name: string;
  readonly preconditions?: Preconditions;
  /** Of the body, in bytes: what is large is worked on in steps, between which others have turns. */
  readonly size?: number;
  /**
   * The new object, given the stored one (undefined: it does not exist) and how large one of them is. Called again after a
   * lost race.
   */
  readonly transform: (existing: KubeObject | undefined, size: number) => Promise<KubeObject> | KubeObject;
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
  readonly storage: ObjectStorage;
  readonly environment: Environment;
  /** Clients are answered as by the store itself: in its words, and in pages at revision 0, too. */
  readonly isUncached: boolean;

  /** @param cacher of a resource that is stored under the same keys, if there is one */
  constructor(definition: ResourceDefinition, environment: Environment, cacher?: Cacher) {
    this.definition = definition;
    this.environment = environment;
    const isCached = environment.isCached?.(definition);
    this.isUncached = isCached === undefined ? (definition.registration.isUncached ?? false) : !isCached;
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
    this.storage = new ObjectStorage(definition, this.codec, this.cacher, environment.store);
  }

  /** The newest state. @throws StatusError 404 */
  async getCached(namespace: string, name: string): Promise<CachedObject> {
    const found = await this.storage.find(requestedKeyOf(this.definition, namespace, name), () => this.cacher.fresh());
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
    const { name, generateName: base } = metadata;
    if (!base) return this.#create(object, request);
    for (let attempt = 1; ; attempt++) {
      const candidate = copyOf(object);
      candidate.metadata.name = name || (strategy.generateName?.(base) ?? generateName(base, this.environment.random));
      try {
        return await this.#create(candidate, request);
      } catch (error) {
        if (!hasReason(error, 'AlreadyExists')) throw error;
        // It is the same complaint where a name is given besides.
        if (name || attempt === GENERATE_NAME_ATTEMPTS)
          throw generateNameConflict(this.definition, candidate.metadata.name);
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
      const key = requestedKeyOf(this.definition, ctx.namespace, request.requestedName ?? object.metadata.name ?? '');
      const created = await this.storage.create(key, object, ctx.dryRun, request.size);
      await hook?.commit?.();
      return created;
    } catch (error) {
      await hook?.revert?.();
      throw error;
    }
  }

  /**
   * Reads, changes and writes, again where somebody else was first. An object without finalizers left that is being deleted goes.
   * @throws StatusError 404 where there is none and the kind may not be created so, 409, 422
   */
  async update(request: UpdateRequest): Promise<Updated> {
    const { ctx, name, view } = request;
    const strategy = viewed(this.definition.registration.strategy, view);
    const key = requestedKeyOf(this.definition, ctx.namespace, name);
    return this.storage.settle<Updated>(key, ctx.dryRun, async (current, isNewest) => {
      if (current) {
        await pauseFor(current.bytes.length);
        const existing = this.codec.object(current);
        this.#checkPreconditions(request, existing, key);
        return this.#updateExisting(existing, current, isNewest, strategy, request);
      }
      if (!strategy.allowCreateOnUpdate && !request.forceAllowCreate) throw notFound(this.definition, name);
      const object = await request.transform(undefined, request.size ?? 0);
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
    return this.storage.settle<KubeObject>(key, ctx.dryRun, async (current, isNewest) => {
      if (!current) throw notFound(this.definition, name);
      const object = this.codec.object(current);
      this.#checkPreconditions(request, object, key);
      request.change(object);
      return this.storage.write(object, current, ctx.dryRun, isNewest);
    });
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
        ...(request.size === undefined ? {} : { size: request.size }),
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
    const size = Math.max(current.bytes.length, request.size ?? 0);
    await pauseFor(size);
    const object = await request.transform(clone(existing), size);
    await pauseFor(size);
    checkResourceVersion({ definition: this.definition, name }, object, current, strategy);
    const hook: WriteHook | undefined = await strategy.beginUpdate?.(ctx, object, existing);
    try {
      checkNamespace(this.definition, ctx.namespace, object);
      await prepareUpdate(this.definition, strategy, object, existing, request);
      await pauseFor(size);
      object.metadata.managedFields = withoutNewTimes(existing, object).metadata.managedFields!;
      if (!object.metadata.managedFields) delete object.metadata.managedFields;
      await request.admitUpdate?.(object, existing);
      await pauseFor(size);

      if (shouldDelete(object, existing) && (strategy.shouldDeleteDuringUpdate?.(object, existing) ?? true)) {
        if (!ctx.dryRun) {
          const removed = await this.storage.remove(current);
          if (removed === 'lost') return await this.#lost(hook);
          await strategy.afterDelete?.(ctx, object);
        }
        await hook?.commit?.();
        return { object: this.codec.unstored(object), created: false, deleted: true };
      }
      const unchanged = () => (isNewest ? this.codec.unchanged(current) : 'lost');
      const staysAsItIs =
        isUnchanged(object, existing) && (ctx.dryRun || !(isNewest && (await this.storage.isStale(current))));
      await pauseFor(size);
      const written = staysAsItIs ? unchanged() : await this.storage.write(object, current, ctx.dryRun, isNewest);
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
}

/** A view warns, allocates, asks who may write and checks the rest of metadata only where it says so itself. */
function viewed(strategy: Strategy, view: Partial<Strategy> | undefined): Strategy {
  if (!view) return strategy;
  const { warningsOnUpdate: _, beginUpdate: __, updateChecks: ___, checkAccess: ____, judge, ...shared } = strategy;
  // Who validates in a way of its own does not judge as the kind does.
  return { ...shared, ...(judge && !view.validateUpdate ? { judge } : {}), ...view };
}

/** Nothing holds the object any more: deletion was asked for, its grace is over, and its last finalizer goes. */
function shouldDelete(object: KubeObject, existing: KubeObject): boolean {
  if ((object.metadata.finalizers?.length ?? 0) > 0) return false;
  if (existing.metadata.deletionTimestamp === undefined) return false;
  return (existing.metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

/** Whether there is nothing to write, whatever the order of keys. */
function isUnchanged(object: KubeObject, existing: KubeObject): boolean {
  const { resourceVersion } = existing.metadata;
  const same = resourceVersion === object.metadata.resourceVersion;
  return equal(same ? object : { ...object, metadata: { ...object.metadata, resourceVersion } }, existing);
}
