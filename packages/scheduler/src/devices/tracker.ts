import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { type Lister, storeKey } from '@keelson/client';
import type { Allocated } from './allocator.ts';
import { type Amounts, plus, quantity } from './capacity.ts';
import { deviceId } from './pools.ts';

const trackers = new WeakMap<object, ClaimTracker>();

/** Claims with what this scheduler has given them, whether it is written and seen already or not. */
export class ClaimTracker {
  readonly #lister: Lister<ResourceClaim>;
  /** Set aside, not written yet, by uid. */
  readonly #pending = new Map<string, ResourceClaim>();
  /** Written, perhaps not seen yet, by key. */
  readonly #written = new Map<string, ResourceClaim>();

  constructor(lister: Lister<ResourceClaim>) {
    this.#lister = lister;
  }

  /** All profiles have the same, since they give away the same devices. */
  static of(lister: Lister<ResourceClaim>): ClaimTracker {
    const tracker = trackers.get(lister) ?? new ClaimTracker(lister);
    trackers.set(lister, tracker);
    return tracker;
  }

  get(key: string): ResourceClaim | undefined {
    return this.#seen(key, this.#lister.get(key));
  }

  isPending({ metadata }: ResourceClaim): boolean {
    return this.#pending.has(metadata.uid!);
  }

  setAside(claim: ResourceClaim): void {
    this.#pending.set(claim.metadata.uid!, claim);
  }

  /** @returns whether something was set aside */
  release({ metadata }: ResourceClaim): boolean {
    return this.#pending.delete(metadata.uid!);
  }

  wrote(claim: ResourceClaim): void {
    this.#written.set(storeKey(claim), claim);
  }

  allocated(): Allocated {
    const devices = new Set<string>();
    const shares = new Map<string, Amounts>();
    const add = ({ status }: ResourceClaim) => {
      for (const { driver, pool, device, adminAccess, shareID, consumedCapacity } of status?.allocation?.devices
        .results ?? []) {
        if (adminAccess) continue;
        const id = deviceId(driver, pool, device);
        if (shareID === undefined) devices.add(id);
        else {
          const amounts = Object.entries(consumedCapacity ?? {}).map(
            ([name, value]) => [name, quantity(value)] as const,
          );
          shares.set(id, plus(shares.get(id), new Map(amounts)));
        }
      }
    };
    for (const key of this.#written.keys()) this.get(key);
    for (const claim of this.#lister.values()) {
      if (!this.isPending(claim)) add(this.#seen(storeKey(claim), claim)!);
    }
    for (const claim of this.#pending.values()) add(claim);
    return { devices, shares };
  }

  #seen(key: string, actual: ResourceClaim | undefined): ResourceClaim | undefined {
    const written = this.#written.get(key);
    if (!written) return actual;
    if (actual && isOlder(actual, written)) return written;
    this.#written.delete(key);
    return actual;
  }
}

function isOlder(a: ResourceClaim, b: ResourceClaim): boolean {
  return Number(a.metadata.resourceVersion) < Number(b.metadata.resourceVersion);
}
