/** What the server serves, and the stores behind it: built-in resources from the start, custom ones as they come and go. */
import type { ServedGroup } from './discovery/runtime-config.ts';
import type { Cacher } from './registry/cacher.ts';
import { buildResources, type ResourceDefinition, type ServedResource } from './registry/resource.ts';
import { type Environment, ResourceStore } from './registry/store.ts';
import type { KindRegistration } from './registry/strategy.ts';

export class Resources {
  readonly #environment: Environment;
  readonly #served: Map<string, ServedResource>;
  /** By key prefix: groups that share their objects (events) share the cache. */
  readonly #cachers = new Map<string, Cacher>();
  readonly #stores = new Map<string, ResourceStore>();

  constructor(
    environment: Environment,
    groups: readonly ServedGroup[],
    registrations: Readonly<Record<string, KindRegistration>>,
  ) {
    this.#environment = environment;
    this.#served = buildResources(groups, registrations);
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
    for (const served of this.#served.values()) {
      if (served.definition.group === group && served.definition.resource === resource)
        return this.store(served.definition);
    }
    throw new Error(`no resource ${resource} in group ${JSON.stringify(group)}`);
  }

  store(definition: ResourceDefinition): ResourceStore {
    const key = `${definition.group}/${definition.prefix}`;
    let store = this.#stores.get(key);
    if (!store) {
      store = new ResourceStore(definition, this.#environment, this.#cachers.get(definition.prefix));
      this.#cachers.set(definition.prefix, store.cacher);
      this.#stores.set(key, store);
    }
    return store;
  }

  /** The stores that are in use. */
  stores(): Iterable<ResourceStore> {
    return this.#stores.values();
  }

  add(resources: ReadonlyMap<string, ServedResource>): void {
    for (const [key, served] of resources) this.#served.set(key, served);
  }

  close(): void {
    for (const store of this.#stores.values()) store.cacher.close();
  }
}
