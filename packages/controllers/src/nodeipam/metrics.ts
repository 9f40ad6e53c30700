/** What is counted of nodes' ranges (pkg/controller/nodeipam/ipam/cidrset/metrics.go). */
import { exponentialBounds } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { Families } from '../metrics.ts';
import type { Ranges, RangesObserver } from './ranges.ts';

export class RangeMetrics {
  readonly #ranges: Ranges[] = [];
  readonly #allocations;
  readonly #releases;
  readonly #tries;

  constructor(registry: MetricsRegistry | undefined) {
    const families = new Families('node_ipam_controller', registry);
    const running = new Families('', registry).gauge(
      'running_managed_controllers',
      'BETA',
      'Controllers of which nodes have their ranges: 1 while they work.',
      'name',
      'manager',
    );
    running.with('nodeipam', 'kube-controller-manager').value = 1;
    const whole = 'clusterCIDR';
    this.#allocations = families.counter('cidrset_cidrs_allocations_total', 'ALPHA', 'Ranges that were taken.', whole);
    this.#releases = families.counter('cidrset_cidrs_releases_total', 'ALPHA', 'Ranges that were given back.', whole);
    this.#tries = families.histogram(
      exponentialBounds(1, 5, 5),
      'cidrset_allocation_tries_per_request',
      'ALPHA',
      'Ranges that were taken already when one was looked for.',
      whole,
    );
    const each = (of: (ranges: Ranges) => number) => () =>
      this.#ranges.map((ranges) => [of(ranges), [ranges.name]] as const);
    // So spelled upstream.
    families.counted(
      each(({ size }) => size),
      'cirdset_max_cidrs',
      'ALPHA',
      'Ranges that there are.',
      whole,
    );
    families.counted(
      each(({ taken, size }) => taken / size),
      'cidrset_usage_cidrs',
      'ALPHA',
      'Share of the ranges that are taken.',
      whole,
    );
  }

  /** @param make makes ranges that tell what becomes of them */
  follow(make: (observer: RangesObserver) => Ranges): Ranges {
    const ranges: Ranges = make({
      took: () => this.#allocations.with(ranges.name).inc(),
      tried: (others) => this.#tries.with(ranges.name).observe(others),
      gaveBack: () => this.#releases.with(ranges.name).inc(),
    });
    this.#ranges.push(ranges);
    return ranges;
  }
}
