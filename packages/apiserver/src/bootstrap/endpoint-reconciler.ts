/**
 * Which API servers stand behind the service `default/kubernetes` (pkg/controlplane/reconcilers). How they know of each
 * other is the only thing in which the three kinds differ.
 */
import { encodeStored } from '@keelson/api/codec/stored';
import type { Store } from '@keelson/storage/store';

export const RECONCILER_TYPES = ['lease', 'master-count', 'none'] as const;
export type ReconcilerType = (typeof RECONCILER_TYPES)[number];

export interface EndpointReconciler {
  /**
   * This server is there.
   * @param listed the addresses that the endpoints name now
   * @returns those that they should name; undefined: they are somebody else's affair
   */
  join(listed: readonly string[]): Promise<readonly string[] | undefined>;
  /** This server goes. @returns what the endpoints should name then; undefined: they did not name it */
  leave(listed: readonly string[]): Promise<readonly string[] | undefined>;
}

export interface EndpointReconcilerOptions {
  readonly type: ReconcilerType;
  readonly store: Store;
  readonly advertiseAddress: string;
  /** For `master-count`: how many servers there are. */
  readonly apiServerCount: number;
}

const LEASES = '/registry/masterleases/';
const LEASE_SECONDS = 15;

export function endpointReconciler(options: EndpointReconcilerOptions): EndpointReconciler {
  switch (options.type) {
    case 'lease':
      return new LeaseReconciler(options);
    case 'master-count':
      return new MasterCountReconciler(options.advertiseAddress, options.apiServerCount);
    case 'none':
      return { join: async () => undefined, leave: async () => undefined };
  }
}

/** Each renews a key of its own in the store; whose key is there is there. */
class LeaseReconciler implements EndpointReconciler {
  readonly #store: Store;
  readonly #address: string;

  constructor({ store, advertiseAddress }: EndpointReconcilerOptions) {
    this.#store = store;
    this.#address = advertiseAddress;
  }

  async join(): Promise<readonly string[]> {
    const key = LEASES + this.#address;
    const value = encodeStored({
      kind: 'Endpoints',
      apiVersion: 'v1',
      metadata: {},
      subsets: [{ addresses: [{ ip: this.#address }] }],
    });
    const { kv } = await this.#store.get(key);
    await this.#store.put(key, value, { expect: kv?.modRevision ?? 0, ttlSeconds: LEASE_SECONDS });
    const all = await this.#all();
    if (all.length > 0) return all;
    throw new Error(
      'no API server IP addresses were listed in storage, refusing to erase all endpoints for the kubernetes Service',
    );
  }

  async leave(): Promise<readonly string[] | undefined> {
    const { kv } = await this.#store.get(LEASES + this.#address);
    if (!kv) return undefined;
    await this.#store.delete(kv.key, { expect: kv.modRevision });
    return this.#all();
  }

  async #all(): Promise<string[]> {
    const { kvs } = await this.#store.list({ prefix: LEASES });
    return kvs.map((kv) => kv.key.slice(LEASES.length)).sort();
  }
}

/** Each adds itself, and drops whoever comes after it where there are more than there may be. */
class MasterCountReconciler implements EndpointReconciler {
  readonly #address: string;
  readonly #count: number;

  constructor(address: string, count: number) {
    this.#address = address;
    this.#count = count;
  }

  async join(listed: readonly string[]): Promise<readonly string[]> {
    if (listed.includes(this.#address) && listed.length <= this.#count) return listed;
    const all = [...new Set([...listed, this.#address])].sort();
    while (all.length > this.#count) all.splice((all.indexOf(this.#address) + 1) % all.length, 1);
    return all;
  }

  async leave(listed: readonly string[]): Promise<readonly string[] | undefined> {
    return listed.includes(this.#address) ? listed.filter((address) => address !== this.#address) : undefined;
  }
}
