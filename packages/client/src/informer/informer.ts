/**
 * A copy of a collection that keeps itself up to date, and tells of what changes.
 */
import type { TypedObject } from '@keelson/api/object';
import { heardLater } from '@keelson/component/promises';
import type { ResourceClient, Selecting } from '../rest/resource.ts';
import type { World } from '../world.ts';
import type { Change } from './protocol.ts';
import { reflect } from './reflector.ts';
import { type IndexFunction, type Lister, Store, storeKey } from './store.ts';

/** Told of changes in their order, after the copy has them. It returns at once: real work goes into a queue. */
export interface Handler<T> {
  /** @param initial the object was there when the handler came */
  added?(object: T, initial: boolean): void;
  /** Also called with the same object twice, at each resync. */
  updated?(old: T, object: T): void;
  /** @param unseen the deletion itself was missed, so that `object` may not be its last state */
  deleted?(object: T, unseen: boolean): void;
}

export interface InformerOptions<T> extends Selecting {
  /** Makes of an object what is kept, by changing or by copying it: what nobody reads may be dropped. */
  readonly transform?: ((object: T) => T) | undefined;
  /** Every so often handlers are told of everything again. */
  readonly resyncMs?: number | undefined;
  /** False: lists as servers before 1.34 need it. The other way falls back to it by itself. Default: as in the world. */
  readonly streaming?: boolean | undefined;
}

export interface Registration {
  /** Resolves when the handler has been told of everything that was there at the beginning. */
  readonly synced: Promise<void>;
  remove(): void;
}

/** So many objects at once, then other work gets its turn. */
const SLICE = 500;

export class Informer<T extends TypedObject> {
  readonly options: InformerOptions<T>;
  /** Resolves when the copy is complete for the first time. @throws Error when the informer is stopped before */
  readonly synced: Promise<void>;
  readonly #resource: ResourceClient<T>;
  readonly #world: World;
  readonly #store = new Store<T>();
  readonly #handlers = new Set<Handler<T>>();
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #hasSynced = false;
  #cancelResync = () => {};
  #settle!: { resolve: () => void; reject: (error: Error) => void };

  constructor(resource: ResourceClient<T>, world: World, options: InformerOptions<T> = {}) {
    this.#resource = resource;
    this.#world = world;
    this.options = options;
    this.synced = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    heardLater(this.synced);
  }

  get store(): Lister<T> {
    return this.#store;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** See Store.addIndex. */
  addIndex(name: string, values: IndexFunction<T>): void {
    this.#store.addIndex(name, values);
  }

  /** The handler is first told of everything that is there. */
  addHandler(handler: Handler<T>): Registration {
    this.#handlers.add(handler);
    for (const object of this.#store.values()) this.#safely(() => handler.added?.(object, true));
    return { synced: this.synced, remove: () => void this.#handlers.delete(handler) };
  }

  /** Begins, if it has not begun. */
  start(): void {
    if (this.#running || this.#stop.signal.aborted) return;
    const { namespace, labelSelector, fieldSelector, streaming = this.#world.streamsLists ?? true } = this.options;
    const apply = (change: Change<T>) => this.#apply(change);
    const [resource, world] = [this.#resource, this.#world];
    this.#running = reflect(
      { resource, world, namespace, labelSelector, fieldSelector, streaming, apply },
      this.#stop.signal,
    );
    this.#scheduleResync();
  }

  /** For good. Resolves when nothing more will be told. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the informer was stopped'));
    this.#cancelResync();
    this.#settle.reject(new Error('the informer was stopped before it had synced'));
    await this.#running;
  }

  #apply(change: Change<T>): void | Promise<void> {
    if (change.type === 'replace') return this.#replace(change.items);
    if (change.type === 'put') this.#put(change.object, false);
    else this.#remove(storeKey(change.object), change.object, false);
  }

  async #replace(items: readonly T[]): Promise<void> {
    const initial = !this.#hasSynced;
    const keys = new Set<string>();
    for (const [i, item] of items.entries()) {
      keys.add(storeKey(item));
      this.#put(item, initial);
      if (i % SLICE === SLICE - 1) await new Promise(setImmediate);
    }
    for (const key of [...this.#store.keys()]) if (!keys.has(key)) this.#remove(key, undefined, true);
    this.#hasSynced = true;
    this.#settle.resolve();
  }

  #put(received: T, initial: boolean): void {
    const key = storeKey(received);
    const old = this.#store.get(key);
    const { uid, resourceVersion } = received.metadata;
    if (old && old.metadata.uid === uid && old.metadata.resourceVersion === resourceVersion) return;
    const object = this.#transformed(received);
    if (old && old.metadata.uid !== uid) this.#remove(key, undefined, true);
    const before = this.#store.put(key, object);
    for (const handler of this.#handlers) {
      this.#safely(() => (before ? handler.updated?.(before, object) : handler.added?.(object, initial)));
    }
  }

  /** @param last the state in which it was deleted, if that is known */
  #remove(key: string, last: T | undefined, unseen: boolean): void {
    const known = this.#store.remove(key);
    if (!known) return;
    const object = last ? this.#transformed(last) : known;
    for (const handler of this.#handlers) this.#safely(() => handler.deleted?.(object, unseen));
  }

  #transformed(object: T): T {
    return this.options.transform ? this.options.transform(object) : object;
  }

  #safely(call: () => void): void {
    try {
      call();
    } catch (error) {
      const { resource } = this.#resource.definition;
      this.#world.log.error({ resource, error }, 'A handler failed');
    }
  }

  #scheduleResync(): void {
    const { resyncMs } = this.options;
    if (!resyncMs || this.#stop.signal.aborted) return;
    this.#cancelResync = this.#world.clock.after(resyncMs, () => this.#resync(), { background: true });
  }

  #resync(): void {
    for (const object of this.#store.values()) {
      for (const handler of this.#handlers) this.#safely(() => handler.updated?.(object, object));
    }
    this.#scheduleResync();
  }
}

/** A transform for those who do not care which manager owns which field: it is a third of many objects. */
export function withoutManagedFields<T extends TypedObject>(object: T): T {
  delete object.metadata.managedFields;
  return object;
}
