import { type Client, hasReason } from '@keelson/client';

/** An informer that is well takes milliseconds. */
export const UNSEEN_MS = 10_000;

/**
 * Slices that were made, until the informer tells of them: a copy without them would have the controller make them again
 * (k8s.io/endpointslice/util, EndpointSliceTracker). One that was deleted before the informer had seen it, as between two of its lists, is
 * never told of, and would hold up its service for good.
 */
export class MadeSlices {
  readonly #client: Client;
  /** By service and name, since when it has been waited for. */
  readonly #unseen = new Map<string, Map<string, number>>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** @param service by its key */
  made(service: string, name: string): void {
    const unseen = this.#unseen.get(service) ?? new Map<string, number>();
    this.#unseen.set(service, unseen.set(name, this.#now));
  }

  seen(service: string, name: string): void {
    const unseen = this.#unseen.get(service);
    if (unseen?.delete(name) && unseen.size === 0) this.#unseen.delete(service);
  }

  forget(service: string): void {
    this.#unseen.delete(service);
  }

  /** Whether the informer has not told of a slice yet; one that it is silent about for {@link UNSEEN_MS} is asked for. */
  async isBehind(service: string): Promise<boolean> {
    const namespace = service.slice(0, service.indexOf('/'));
    for (const [name, since] of this.#unseen.get(service) ?? []) {
      if (this.#now - since < UNSEEN_MS) continue;
      if (await this.#exists(namespace, name)) this.made(service, name);
      else this.seen(service, name);
    }
    return this.#unseen.has(service);
  }

  get #now(): number {
    return this.#client.world.clock.now();
  }

  async #exists(namespace: string, name: string): Promise<boolean> {
    try {
      await this.#client.resource('endpointslices.discovery.k8s.io').get({ namespace, name });
      return true;
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      return false;
    }
  }
}
