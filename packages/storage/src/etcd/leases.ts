import { randomInt } from 'node:crypto';
import type { Clock } from '@keelson/api/clock';
import { Mutex } from '@keelson/component/promises';
import type { Connection } from './connection.ts';
import { isLeaseTaken } from './errors.ts';
import { etcd } from './messages.ts';

/** Lease ids have 63 bits. These are chosen here, so that they are exact as numbers. */
const MAX_ID = 2 ** 48 - 1;

/** As upstream's lease_manager.go: a lease serves this many keys at most… */
const MAX_KEYS = 1000;
/** …which expire later than asked for by at most this share of their time, and by no more than a minute. */
const REUSE_SHARE = 0.05;
const MAX_REUSE_SECONDS = 60;

interface Lease {
  readonly id: number;
  readonly expiresAt: number;
  keys: number;
}

/** Gives keys with about the same time to live the same lease, since leases are costly in etcd. */
export class Leases {
  readonly #connection: Connection;
  readonly #clock: Clock;
  #newest: Lease | undefined;
  readonly #grants = new Mutex();

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** @returns a lease for one key that lives for at least the given time */
  get(ttlSeconds: number): Promise<number> {
    const seconds = Math.ceil(ttlSeconds);
    return this.#grants.run(() => this.#find(seconds) ?? this.#grant(seconds));
  }

  /** Called when etcd does not know a lease. */
  forget(id: number): void {
    if (this.#newest?.id === id) this.#newest = undefined;
  }

  #find(ttlSeconds: number): number | undefined {
    const lease = this.#newest;
    const needed = this.#clock.now() + ttlSeconds * 1000;
    if (lease === undefined || lease.keys >= MAX_KEYS) return undefined;
    if (lease.expiresAt <= needed || lease.expiresAt > needed + reuseSeconds(ttlSeconds) * 1000) return undefined;
    lease.keys++;
    return lease.id;
  }

  async #grant(ttlSeconds: number): Promise<number> {
    const seconds = ttlSeconds + reuseSeconds(ttlSeconds);
    const now = this.#clock.now();
    const id = randomInt(1, MAX_ID);
    try {
      await this.#connection.call(etcd.leaseGrant, { ID: id, TTL: seconds }, { repeatable: true });
    } catch (error) {
      // An earlier attempt of this call has made it.
      if (!isLeaseTaken(error)) throw error;
    }
    this.#newest = { id, expiresAt: now + seconds * 1000, keys: 1 };
    return id;
  }
}

function reuseSeconds(ttlSeconds: number): number {
  return Math.min(MAX_REUSE_SECONDS, Math.floor(REUSE_SHARE * ttlSeconds));
}
