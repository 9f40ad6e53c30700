/** Services whose addresses have no record: told of as soon as the watch caches show it (repairip.go's queues). */
import type { Service } from '@keelson/api/generated/types/core/v1';
import type { IPAddress } from '@keelson/api/generated/types/networking/v1';
import { formatIP } from '@keelson/api/ip';
import type { Follower } from '../../../follow.ts';
import { addressesOf } from './addresses.ts';

/** A record is written before its service and goes after it, but the two caches may tell of that the other way round. */
const SETTLE_MS = 1_000;

export class UnrecordedAddresses {
  readonly #onMissing: () => void;
  /** By service, which is `namespace/name`. */
  readonly #taken = new Map<string, readonly string[]>();
  readonly #recorded = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /** @param onMissing there are some, and were a second ago */
  constructor(onMissing: () => void) {
    this.#onMissing = onMissing;
  }

  readonly services: Follower<Service> = {
    set: (service) => {
      const addresses = addressesOf(service).map(formatIP);
      this.#taken.set(`${service.metadata.namespace}/${service.metadata.name}`, addresses);
      if (this.#lacksSome(addresses)) this.#lookAgain();
    },
    delete: (namespace, name) => void this.#taken.delete(`${namespace}/${name}`),
  };

  readonly records: Follower<IPAddress> = {
    set: ({ metadata }) => void this.#recorded.add(metadata.name!),
    delete: (_namespace, name) => {
      this.#recorded.delete(name);
      this.#lookAgain();
    },
  };

  stop(): void {
    clearTimeout(this.#timer);
  }

  #lacksSome(addresses: readonly string[]): boolean {
    return addresses.some((address) => !this.#recorded.has(address));
  }

  #lookAgain(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if ([...this.#taken.values()].some((addresses) => this.#lacksSome(addresses))) this.#onMissing();
    }, SETTLE_MS).unref();
  }
}
