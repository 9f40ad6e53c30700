/** How full the ranges of services' addresses are, by what the watch caches have. */
import type { ServiceCIDR } from '@keelson/api/generated/types/networking/v1';
import { slices } from '../../../../pieces.ts';
import type { ResourceStore } from '../../../store.ts';
import { rangeLevels } from './addresses.ts';
import type { RangeLevel } from './metrics.ts';

export interface AllocationStores {
  /** Of ServiceCIDRs. */
  readonly cidrs: Pick<ResourceStore, 'cacher' | 'codec'>;
  /** Of IPAddresses. */
  readonly addresses: Pick<ResourceStore, 'cacher'>;
}

/** Counted when somebody asks and something has changed since: of tens of thousands of addresses that takes its time. */
export class RangeLevels {
  readonly #stores: () => AllocationStores | undefined;
  #known: { readonly state: string; readonly levels: Promise<readonly RangeLevel[]> } | undefined;

  /** @param stores undefined where nobody has asked for them yet */
  constructor(stores: () => AllocationStores | undefined) {
    this.#stores = stores;
  }

  /** Of all ranges that are ready; none before the caches are filled. */
  async now(): Promise<readonly RangeLevel[]> {
    const stores = this.#stores();
    if (!stores?.cidrs.cacher.isFilled || !stores.addresses.cacher.isFilled) return [];
    const state = `${stores.cidrs.cacher.lastChange} ${stores.addresses.cacher.lastChange}`;
    if (this.#known?.state !== state) this.#known = { state, levels: count(stores) };
    return this.#known.levels;
  }
}

function count({ cidrs, addresses }: AllocationStores): Promise<readonly RangeLevel[]> {
  const ranges = cidrs.cacher.list('').map((each) => cidrs.codec.object(each) as unknown as ServiceCIDR);
  const names = addresses.cacher.list('').map(({ name }) => name);
  return slices.do(rangeLevels(ranges, names));
}
