import type { EtcdOptions } from './etcd/open.ts';
import type { LmdbOptions } from './lmdb/open.ts';
import type { MemoryOptions } from './memory/open.ts';
import type { Store } from './store.ts';

/** Which engine keeps the data, and how. */
export type StoreConfig =
  | ({ readonly engine: 'memory' } & MemoryOptions)
  | ({ readonly engine: 'lmdb' } & LmdbOptions)
  | ({ readonly engine: 'etcd' } & EtcdOptions);

/**
 * Opens the store that is asked for; whoever opens it closes it. Only that engine's code is loaded: a start is short.
 * @throws StoreUnavailableError if it can't be opened, with the cause and what to do about it.
 */
export async function openStore(config: StoreConfig): Promise<Store> {
  switch (config.engine) {
    case 'memory':
      return (await import('./memory/open.ts')).openMemoryStore(config);
    case 'lmdb':
      return (await import('./lmdb/open.ts')).openLmdbStore(config);
    case 'etcd':
      return (await import('./etcd/open.ts')).openEtcdStore(config);
  }
}
