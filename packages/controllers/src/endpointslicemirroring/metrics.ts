/** What is counted of mirrored endpoints (pkg/controller/endpointslicemirroring/metrics). */
import { exponentialBounds } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { Packing } from '../endpointslice/metrics.ts';
import { Families } from '../metrics.ts';

export class MirrorMetrics {
  readonly packing: Packing;
  readonly #updated;
  readonly #skipped;
  readonly #seconds;

  constructor(registry: MetricsRegistry | undefined, capacity: number) {
    const families = new Families('endpoint_slice_mirroring_controller', registry);
    this.packing = new Packing(families, 'ALPHA', capacity, 0);
    const perSync = (name: string, help: string) =>
      families.histogram(exponentialBounds(2, 2, 15), name, 'ALPHA', help);
    this.#updated = perSync('endpoints_updated_per_sync', 'Endpoints that a look changed.');
    this.#skipped = perSync('addresses_skipped_per_sync', 'Addresses that a look left out.');
    this.#seconds = families.histogram(
      exponentialBounds(0.001, 2, 15),
      'endpoints_sync_duration',
      'ALPHA',
      'How long a look at endpoints took.',
    );
  }

  mirrored(updated: number, skipped: number): void {
    this.#updated.with().observe(updated);
    this.#skipped.with().observe(skipped);
  }

  synced(ms: number): void {
    this.#seconds.with().observe(ms / 1000);
  }
}
