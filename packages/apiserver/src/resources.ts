/** What the server serves, and the stores behind it: built-in resources from the start, custom ones as they come and go. */

import type { GroupResource } from '@keelson/api/errors';
import type { StructType } from '@keelson/api/schema';
import { type Store, UnreadableValueError } from '@keelson/storage/store';
import type { ServedGroup } from './discovery/runtime-config.ts';
import type { Cacher } from './registry/cacher.ts';
import { buildResources, type ResourceDefinition, type ServedResource } from './registry/resource.ts';
import { type Environment, ResourceStore } from './registry/store.ts';
import type { KindRegistration } from './registry/strategy.ts';

export class Resources {
  readonly #environment: Environment;
  readonly #served: Map<string, ServedResource>;
  readonly #builtIn: ReadonlySet<string>;
  /** By key prefix: groups that share their objects (events) share the cache. */
  readonly #cachers = new Map<string, Cacher>();
  readonly #stores = new Map<ResourceDefinition, ResourceStore>();
  /** Which were served: requests that had found them go on. */
  readonly #gone = new WeakSet<ResourceDefinition>();
  readonly #storeOf: (resource: GroupResource, type: StructType | undefined) => Store;

  /** @param storeOf the store as a resource sees it; the same one each time. Default: that of the environment */
  constructor(
    environment: Environment,
    groups: readonly ServedGroup[],
    registrations: Readonly<Record<string, KindRegistration>>,
    storeOf: (resource: GroupResource, type: StructType | undefined) => Store = () => environment.store,
  ) {
    this.#environment = environment;
    this.#storeOf = storeOf;
    this.#served = buildResources(groups, registrations);
    this.#builtIn = new Set(this.#served.keys());
  }

  /** @param key `group/version/resource` */
  find(key: string): ServedResource | undefined {
    return this.#served.get(key);
  }

  get size(): number {
    return this.#served.size;
  }

  all(): Iterable<ServedResource> {
    return this.#served.values();
  }

  /** The store of a resource that is served, in any version. @throws Error when it is not */
  storeOf(group: string, resource: string): ResourceStore {
    const store = this.storeIfServed(group, resource);
    if (!store) throw new Error(`no resource ${resource} in group ${JSON.stringify(group)}`);
    return store;
  }

  storeIfServed(group: string, resource: string): ResourceStore | undefined {
    for (const { definition } of this.#served.values())
      if (definition.group === group && definition.resource === resource) return this.store(definition);
    return undefined;
  }

  store(definition: ResourceDefinition): ResourceStore {
    let store = this.#stores.get(definition);
    if (!store) {
      store = this.#open(definition);
      if (this.#gone.has(definition)) store.cacher.end();
      else this.#stores.set(definition, store);
    }
    return store;
  }

  #open(definition: ResourceDefinition): ResourceStore {
    const { prefix, resource, storage, storageForm, storeView, registration } = definition;
    const view = this.#storeOf(
      { group: storage.group, resource },
      registration.storedAsJson ? undefined : storageForm.type,
    );
    if (storeView) return new ResourceStore(definition, { ...this.#environment, store: storeView(view) });
    const environment = { ...this.#environment, store: view };
    const store = new ResourceStore(definition, environment, this.#cachers.get(prefix));
    this.#cachers.set(prefix, store.cacher);
    return store;
  }

  /** Fills all watch caches, those apart in which something can't be read. @throws StoreUnavailableError */
  async load(): Promise<void> {
    await Promise.all(
      [...this.#served.values()].map(({ definition }) =>
        this.store(definition)
          .cacher.ready()
          .catch((error: unknown) => {
            if (!(error instanceof UnreadableValueError)) throw error;
            this.#environment.logger.error({ key: error.key, error: error.message }, 'an object cannot be read');
          }),
      ),
    );
  }

  /** Kinds, of the resources named by `group/resource`, whose watch caches were never filled, since something in them can't be read. */
  unread(among: ReadonlySet<string>): string[] {
    const kinds = [...this.#stores]
      .filter(([{ storage, resource }]) => among.has(`${storage.group}/${resource}`))
      .filter(([, { cacher }]) => cacher.obstacle && !cacher.isFilled)
      .map(([{ kind }]) => kind);
    return [...new Set(kinds)];
  }

  /** The stores that are in use. */
  stores(): Iterable<ResourceStore> {
    return this.#stores.values();
  }

  /** Whether what has this place in the API is served by the server itself, so that nothing else can be. */
  isBuiltIn(served: ServedResource): boolean {
    return this.#builtIn.has(keyOf(served));
  }

  /** Serves a custom resource in one version. Watches of another definition of the same name end. */
  add(served: ServedResource): void {
    if (this.#served.get(keyOf(served))?.definition !== served.definition) this.remove(served);
    this.#served.set(keyOf(served), served);
  }

  /** Ends its watches. What is not served is ignored. */
  remove(served: ServedResource): void {
    const known = this.#served.get(keyOf(served));
    if (!known) return;
    this.#served.delete(keyOf(known));
    this.#gone.add(known.definition);
    this.#stores.get(known.definition)?.cacher.end();
    this.#stores.delete(known.definition);
  }

  close(): void {
    for (const store of this.#stores.values()) store.cacher.close();
  }
}

function keyOf({ definition, version }: ServedResource): string {
  return `${definition.group}/${version}/${definition.resource}`;
}
