import { type Clock, systemClock } from '@keelson/api/clock';
import type { Store } from '../store.ts';
import { type AroundCall, Connection } from './connection.ts';
import { EtcdStore } from './etcd-store.ts';
import { KeyMapping } from './keys.ts';
import type { TlsPaths } from './tls-files.ts';

export interface EtcdOptions extends TlsPaths {
  /** URLs of the cluster's members, as upstream's `--etcd-servers`. */
  readonly endpoints: readonly string[];
  /** By endpoint, paths of sockets that lead there, where that is not the way to take. */
  readonly via?: ReadonlyMap<string, string> | undefined;
  readonly around?: AroundCall | undefined;
  /** What stands in etcd for the `/registry` of callers' keys, as upstream's `--etcd-prefix`. */
  readonly prefix?: string;
  /** The longest that one request may take, retries included; a write no longer than upstream's 34 s. */
  readonly requestTimeoutMs?: number;
  /** How long to wait for etcd to answer at first. */
  readonly openTimeoutMs?: number;
  /** The largest answer that is accepted. Lists come in pages that are far smaller, unless values are very large. */
  readonly maxMessageBytes?: number;
  readonly clock?: Clock;
  /** In [0, 1). Default: Math.random. */
  readonly random?: () => number;
}

/** As long as a write may take upstream (apiserver/pkg/endpoints/handlers/create.go). */
const WRITE_TIMEOUT_MS = 34_000;

/**
 * A store in an etcd cluster.
 * @throws StoreUnavailableError if none of the endpoints answers in time, naming the last one and why
 */
export async function openEtcdStore({
  endpoints,
  prefix,
  requestTimeoutMs = 60_000,
  openTimeoutMs = 20_000,
  maxMessageBytes = 256 << 20,
  clock = systemClock,
  random = Math.random,
  ...tls
}: EtcdOptions): Promise<Store> {
  const connection = await Connection.open({ endpoints, requestTimeoutMs, maxMessageBytes, clock, random, ...tls });
  const store = new EtcdStore(connection, new KeyMapping(prefix), clock, Math.min(requestTimeoutMs, WRITE_TIMEOUT_MS));
  try {
    await store.waitUntilReachable(openTimeoutMs);
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}
