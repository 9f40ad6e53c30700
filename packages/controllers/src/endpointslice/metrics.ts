/** What is counted of endpoint slices (staging/src/k8s.io/endpointslice/metrics, pkg/controller/endpointslicemirroring/metrics). */
import { DEFAULT_BOUNDS, exponentialBounds } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { countsBy, Families } from '../metrics.ts';

const PER_SYNC = exponentialBounds(2, 2, 15);

/** What a plan comes to. */
export interface Tally {
  /** Of each group of endpoints that share slices, how many there are. */
  readonly endpoints: readonly number[];
  /** That are there afterwards. */
  readonly slices: number;
  readonly added: number;
  readonly removed: number;
}

/** How well endpoints are packed into slices, and how much that has to change. */
export class Packing {
  readonly #added;
  readonly #removed;
  readonly #changes;
  readonly #tallies = new Map<string, Tally>();

  /** @param capacity endpoints that a slice holds @param least slices that an owner has without endpoints */
  constructor(families: Families, stability: 'ALPHA' | 'BETA', capacity: number, least: 0 | 1) {
    this.#added = families.histogram(PER_SYNC, 'endpoints_added_per_sync', stability, 'Endpoints that a look added.');
    this.#removed = families.histogram(
      PER_SYNC,
      'endpoints_removed_per_sync',
      stability,
      'Endpoints that a look removed.',
    );
    const desired = ({ endpoints }: Tally) =>
      Math.max(
        least,
        endpoints.reduce((slices, count) => slices + Math.ceil(count / capacity), 0),
      );
    const total = (name: string, help: string, of: (tally: Tally) => number) => {
      const sum = () => [...this.#tallies.values()].reduce((all, tally) => all + of(tally), 0);
      families.counted(() => [[sum(), []]], name, stability, help);
    };
    total('endpoints_desired', 'Endpoints.', ({ endpoints }) => endpoints.reduce((sum, count) => sum + count, 0));
    total('num_endpoint_slices', 'Slices.', ({ slices }) => slices);
    total('desired_endpoint_slices', 'Slices that there would be if all were full.', desired);
    this.#changes = families.counter('changes', 'ALPHA', 'Slices that were written.', 'operation');
  }

  /** @param owner key of whom the slices are about */
  planned(owner: string, tally: Tally): void {
    this.#added.with().observe(tally.added);
    this.#removed.with().observe(tally.removed);
    this.#tallies.set(owner, tally);
  }

  wrote(operation: 'create' | 'update' | 'delete'): void {
    this.#changes.with(operation).inc();
  }

  forget(owner: string): void {
    this.#tallies.delete(owner);
  }
}

export class SliceMetrics {
  readonly packing: Packing;
  readonly #changed;
  readonly #syncs;
  /** By service. */
  readonly #distributions = new Map<string, string>();

  constructor(registry: MetricsRegistry | undefined, capacity: number) {
    const families = new Families('endpoint_slice_controller', registry);
    this.packing = new Packing(families, 'BETA', capacity, 1);
    this.#changed = families.histogram(
      DEFAULT_BOUNDS,
      'endpointslices_changed_per_sync',
      'ALPHA',
      'Slices that a look changed.',
      'topology',
      'traffic_distribution',
    );
    this.#syncs = families.counter('syncs', 'ALPHA', 'Looks at services.', 'result');
    families.counted(
      () => countsBy(this.#distributions.values(), (distribution) => [distribution]),
      'services_count_by_traffic_distribution',
      'BETA',
      'Services by where their traffic is to go.',
      'traffic_distribution',
    );
  }

  synced(result: 'success' | 'stale' | 'error'): void {
    this.#syncs.with(result).inc();
  }

  /**
   * @param counts of slices that changed, for each family
   * @param distribution where the service's traffic is to go, unless it is spread over zones
   */
  changed(service: string, counts: readonly number[], spread: boolean, distribution: string | undefined): void {
    if (distribution === undefined) this.#distributions.delete(service);
    else this.#distributions.set(service, distribution);
    const series = this.#changed.with(spread ? 'Auto' : 'Disabled', distribution ?? '');
    for (const count of counts) series.observe(count);
  }

  forget(service: string): void {
    this.packing.forget(service);
    this.#distributions.delete(service);
  }
}
