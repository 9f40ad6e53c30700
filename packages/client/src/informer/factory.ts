import type { TypedObject } from '@keelson/api/object';
import { type ResourceName, type ResourceTypes, resources } from '../generated/resources.ts';
import type { Client } from '../rest/client.ts';
import type { ResourceDefinition } from '../rest/resource.ts';
import { Informer, type InformerOptions } from './informer.ts';

/** Informers of one client, shared: whoever asks for the same collection gets the same informer, with one watch. */
export class InformerFactory {
  readonly #client: Client;
  readonly #defaults: InformerOptions<TypedObject>;
  /** By what they are a copy of, which implies their type. */
  readonly #informers = new Map<string, Pick<Informer<TypedObject>, 'start' | 'stop' | 'synced'>>();
  #started = false;

  /** @param defaults for informers that do not say otherwise */
  constructor(
    client: Client,
    defaults: Pick<InformerOptions<TypedObject>, 'resyncMs' | 'streaming' | 'transform'> = {},
  ) {
    this.#client = client;
    this.#defaults = defaults;
  }

  /** @throws Error when another transform is in use for the same collection */
  informer<N extends ResourceName>(
    name: N,
    options?: InformerOptions<ResourceTypes[N]>,
  ): Informer<ResourceTypes[N] & TypedObject>;
  informer<T extends TypedObject>(definition: ResourceDefinition, options?: InformerOptions<T>): Informer<T>;
  informer<T extends TypedObject>(
    which: ResourceName | ResourceDefinition,
    options: InformerOptions<T> = {},
  ): Informer<T> {
    const definition: ResourceDefinition = typeof which === 'string' ? resources[which] : which;
    const { group, version, resource } = definition;
    const { namespace, labelSelector, fieldSelector, transform } = options;
    const key = JSON.stringify([group, version, resource, namespace, labelSelector, fieldSelector]);
    const existing = this.#informers.get(key) as Informer<T> | undefined;
    if (existing) {
      if (transform && existing.options.transform !== transform) {
        throw new Error(`the informer of ${resource} has another transform`);
      }
      return existing;
    }
    const { world } = this.#client;
    const informer = new Informer<T>(this.#client.resource<T>(definition), world, {
      ...this.#defaults,
      ...options,
    } as InformerOptions<T>);
    this.#informers.set(key, informer);
    if (this.#started) informer.start();
    return informer;
  }

  /** Begins all informers, and those to come as they come. */
  start(): void {
    this.#started = true;
    for (const informer of this.#informers.values()) informer.start();
  }

  /** Resolves when all informers that there are have synced. @throws Error when one is stopped before */
  async synced(): Promise<void> {
    await Promise.all(Array.from(this.#informers.values(), (informer) => informer.synced));
  }

  async stop(): Promise<void> {
    await Promise.all(Array.from(this.#informers.values(), (informer) => informer.stop()));
  }
}
