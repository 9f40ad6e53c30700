/**
 * Where the API servers reach each other: each keeps a key of its own in the store, which ends with it
 * (apiserver/pkg/reconcilers/peer_endpoint_lease.go). The leases of their identity say who is there, these keys where.
 */
import { decodeStored, encodeStored } from '@keelson/api/codec/stored';
import type { Endpoints } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import type { Logger } from '@keelson/component/logs/logger';
import type { Store } from '@keelson/storage/store';
import { asError } from '../aggregate.ts';
import { Periodic } from '../bootstrap/periodic.ts';
import { retire } from '../bootstrap/retire.ts';

const PREFIX = '/registry/peerserverleases/';
/** By which upstream finds the key, whatever it is called. */
const IDENTITY_LABEL = 'apiserverIdentity';
const LEASE_SECONDS = 15;
const RENEW_MS = 10_000;

export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

export interface PeerAddressesOptions {
  readonly store: Store;
  /** Of this server. */
  readonly identity: string;
  readonly logger: Logger;
}

export class PeerAddresses {
  readonly #options: PeerAddressesOptions;
  #renewing: Periodic | undefined;
  #generation = 0;
  #isStopped = false;

  constructor(options: PeerAddressesOptions) {
    this.#options = options;
  }

  /** Resolves after the first attempt to tell the others where this server is; goes on until stopped. */
  async start(own: PeerAddress): Promise<void> {
    if (this.#isStopped) return;
    const report = (thrown: unknown) => this.#report(thrown);
    this.#renewing = new Periodic(() => this.#renew(own).catch(report), RENEW_MS, report);
    await this.#renewing.start();
  }

  /** What fails, or takes too long, is logged: the server goes anyway. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (!this.#renewing) return;
    const end = this.#renewing.stop().then(() => this.#remove());
    await retire(end, (thrown) => this.#report(thrown));
  }

  /** Where a server is, as the store has it now; undefined: it is gone. @throws StoreUnavailableError, UnreadableValueError */
  async of(identity: string): Promise<PeerAddress | undefined> {
    const { kv } = await this.#options.store.get(PREFIX + identity);
    const [subset] = kv ? ((decodeStored(kv.value).object as TypedObject as Endpoints).subsets ?? []) : [];
    const host = subset?.addresses?.[0]?.ip;
    const port = subset?.ports?.[0]?.port;
    return host === undefined || port === undefined ? undefined : { host, port };
  }

  /** Another process of this name may write, too: who comes last is right. */
  async #renew(own: PeerAddress): Promise<void> {
    const { store, identity } = this.#options;
    const value = encodeStored({
      kind: 'Endpoints',
      apiVersion: 'v1',
      metadata: { generation: ++this.#generation, labels: { [IDENTITY_LABEL]: identity } },
      subsets: [{ addresses: [{ ip: own.host }], ports: [{ name: 'https', port: own.port, protocol: 'TCP' }] }],
    });
    const { kv } = await store.get(PREFIX + identity);
    await store.put(PREFIX + identity, value, { expect: kv?.modRevision ?? 0, ttlSeconds: LEASE_SECONDS });
  }

  async #remove(): Promise<void> {
    const { store, identity } = this.#options;
    const { kv } = await store.get(PREFIX + identity);
    if (kv) await store.delete(kv.key, { expect: kv.modRevision });
  }

  #report(thrown: unknown): void {
    this.#options.logger.error({ error: asError(thrown).message }, 'peers are not told where this server is');
  }
}
