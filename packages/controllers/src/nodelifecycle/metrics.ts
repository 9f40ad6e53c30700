/** What is counted of nodes and their zones (pkg/controller/nodelifecycle/metrics.go). */
import { exponentialBounds } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { Families } from '../metrics.ts';

export class NodeMetrics {
  readonly #health;
  readonly #size;
  readonly #unhealthy;
  readonly #evictions;
  readonly #nodeSeconds;
  readonly #roundSeconds;
  readonly #zones = new Set<string>();

  constructor(registry: MetricsRegistry | undefined) {
    const families = new Families('node_collector', registry);
    this.#health = families.gauge('zone_health', 'ALPHA', 'Percentage of nodes that are ready.', 'zone');
    this.#size = families.gauge('zone_size', 'ALPHA', 'Nodes.', 'zone');
    this.#unhealthy = families.gauge('unhealthy_nodes_in_zone', 'ALPHA', 'Nodes that are not ready.', 'zone');
    this.#evictions = families.counter('evictions_total', 'STABLE', 'Nodes that were tainted for eviction.', 'zone');
    this.#nodeSeconds = families.histogram(
      exponentialBounds(0.001, 4, 8),
      'update_node_health_duration_seconds',
      'ALPHA',
      'How long a look at a node took.',
    );
    this.#roundSeconds = families.histogram(
      exponentialBounds(0.01, 4, 8),
      'update_all_nodes_health_duration_seconds',
      'ALPHA',
      'How long a look at all nodes took.',
    );
  }

  /** All that there are now; zones that are gone are empty and well. */
  zones(zones: ReadonlyMap<string, { readonly nodes: readonly unknown[]; readonly ready: number }>): void {
    for (const zone of new Set([...this.#zones, ...zones.keys()])) {
      const { nodes, ready } = zones.get(zone) ?? { nodes: [], ready: 0 };
      this.#zones.add(zone);
      this.#size.with(zone).value = nodes.length;
      this.#unhealthy.with(zone).value = nodes.length - ready;
      this.#health.with(zone).value = nodes.length === 0 ? 100 : (100 * ready) / nodes.length;
      this.#evictions.with(zone);
    }
  }

  evicted(zone: string): void {
    this.#evictions.with(zone).inc();
  }

  examined(seconds: number): void {
    this.#nodeSeconds.with().observe(seconds);
  }

  rounded(seconds: number): void {
    this.#roundSeconds.with().observe(seconds);
  }
}
