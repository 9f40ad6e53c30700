/** Where the objects of each resource are kept: in the server's store or in one of their own, as JSON or protobuf, encrypted or not. */
import { systemClock } from '@keelson/api/clock';
import { type GroupResource, qualified } from '@keelson/api/errors';
import type { StructType } from '@keelson/api/schema';
import { startCompactor } from '@keelson/storage/compactor';
import type { Store } from '@keelson/storage/store';
import type { ServerConfig } from './config.ts';
import type { Encryption } from './encryption/index.ts';
import type { HealthChecks } from './health/checks.ts';
import { ProtobufStore } from './registry/protobuf-store.ts';
import { storeHealth } from './registry/store-error.ts';

export interface StoresOptions {
  readonly config: ServerConfig;
  /** Counts what a store is asked. */
  readonly observe: (store: Store) => Store;
  readonly encryption: Encryption | undefined;
}

export class Stores {
  /** What is no resource is kept here, too. */
  readonly main: Store;
  readonly #config: ServerConfig;
  readonly #encryption: Encryption | undefined;
  readonly #others: readonly Store[];
  readonly #ofResource = new Map<string, Store>();
  readonly #inProtobuf = new Map<string, Store>();

  constructor({ config, observe, encryption }: StoresOptions) {
    this.#config = config;
    this.#encryption = encryption;
    this.main = observe(config.store);
    this.#others = (config.storeOverrides ?? []).map(({ resources, store }) => {
      const observed = observe(store);
      for (const resource of resources) this.#ofResource.set(qualified(resource), observed);
      return observed;
    });
  }

  /** The store as the resource sees it; the same one each time. @param type of its objects, if they have one */
  of(resource: GroupResource, type?: StructType): Store {
    const name = qualified(resource);
    const store = this.#ofResource.get(name) ?? this.main;
    const view = this.#encryption ? this.#encryption.storeOf(resource, store) : store;
    if (!type || !this.#config.storesProtobuf) return view;
    const known = this.#inProtobuf.get(name) ?? new ProtobufStore(view, type);
    this.#inProtobuf.set(name, known);
    return known;
  }

  /** Of the stores besides the main one, and of who encrypts. */
  addHealthChecks(health: HealthChecks): void {
    const { storeHealthTimeoutMs, storeReadyTimeoutMs } = this.#config;
    for (const [i, store] of this.#others.entries()) {
      const check = () => storeHealth(store, storeHealthTimeoutMs);
      health.add({ name: `etcd-override-${i}`, group: 'etcd', check });
      const checkReady = () => storeHealth(store, storeReadyTimeoutMs);
      const name = `etcd-override-readiness-${i}`;
      health.add({ name, group: 'etcd-readiness', check: checkReady }, ['readyz']);
    }
    for (const check of this.#encryption?.healthChecks() ?? []) health.add(check, ['healthz', 'readyz']);
  }

  /** Drops history again and again, if that is wanted. @returns what ends it */
  startCompactors(): () => void {
    const { compactionIntervalMs: intervalMs, logger, store, storeOverrides = [] } = this.#config;
    if (intervalMs <= 0) return () => {};
    const onError = (error: Error) => logger.error({ error: String(error) }, 'the store was not compacted');
    const all = [store, ...storeOverrides.map((override) => override.store)];
    const ends = all.map((each) => startCompactor(each, { intervalMs, clock: systemClock, onError }));
    return () => {
      for (const end of ends) end();
    };
  }

  close(): void {
    this.#encryption?.close();
  }
}
