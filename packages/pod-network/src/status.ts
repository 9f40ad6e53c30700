/** How the network of a node is: what its ports tell those who watch over it. */
import { Counter, type Description, exponentialBounds, Gauge, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { PlainAnswer } from '@keelson/component/serving/plain';
import { Progress } from '@keelson/proxy/health/progress';
import type { LoopWatcher } from './sync-loop.ts';

/** The loops: routes and masquerading, NetworkPolicies. */
export const PARTS = ['routes', 'policies'] as const;
export type Part = (typeof PARTS)[number];

/** So long the kernel may be behind. */
const TIMEOUT_MS = 120_000;

export class NetworkStatus {
  readonly metrics: ReturnType<typeof metricsIn>;
  readonly #now: () => number;
  readonly #progress: Progress<Part>;
  readonly #written = new Set<Part>();

  /** @param now milliseconds */
  constructor(registry: MetricsRegistry, now: () => number) {
    this.metrics = metricsIn(registry);
    this.#now = now;
    this.#progress = new Progress(TIMEOUT_MS, now);
    for (const part of PARTS) {
      this.#progress.updated(part);
      this.#progress.changed(part);
    }
  }

  /** Is told how one of the loops gets on. */
  watcherOf(part: Part): LoopWatcher {
    const { queued, written, sync, failures } = this.metrics;
    return {
      changed: () => {
        this.#progress.changed(part);
        queued.with(part).value = this.#now() / 1_000;
      },
      written: (seconds) => {
        this.#progress.updated(part);
        this.#written.add(part);
        written.with(part).value = this.#now() / 1_000;
        sync.with(part).observe(seconds);
      },
      failed: () => failures.with(part).inc(),
    };
  }

  /** `/healthz`, `/livez`: the kernel is not behind for long. */
  health(): PlainAnswer {
    return this.#progress.answer();
  }

  /** `/readyz`: the kernel also has what there was at the beginning. */
  ready(): PlainAnswer {
    const waiting = PARTS.filter((part) => !this.#written.has(part));
    return this.#progress.answer(this.#progress.isHealthy && waiting.length === 0, { waiting });
  }
}

function metricsIn(registry: MetricsRegistry) {
  const describe = (name: string, help: string, ...labels: string[]): Description => ({
    name: `keelson_pod_network_${name}`,
    help,
    stability: 'ALPHA',
    labels,
  });
  const counter = (...args: Parameters<typeof describe>) => registry.register(new Counter(describe(...args)));
  const gauge = (...args: Parameters<typeof describe>) => registry.register(new Gauge(describe(...args)));
  return {
    sync: registry.register(
      new Histogram(
        describe('sync_duration_seconds', 'How long it took to have the kernel follow.', 'part'),
        exponentialBounds(0.001, 2, 15),
      ),
    ),
    failures: counter('sync_failures_total', 'How often the kernel could not follow.', 'part'),
    written: gauge('sync_last_timestamp_seconds', 'When the kernel last followed.', 'part'),
    queued: gauge('sync_last_queued_timestamp_seconds', 'When there was last something to follow.', 'part'),
    routes: gauge('routes', 'Routes to the pods of other nodes.'),
    tunnelled: gauge('routes_tunnelled', 'Of these, those that lead through the tunnel.'),
    refused: gauge('routes_refused', 'Of these, those that the kernel did not take.'),
    policies: gauge('policies', 'Network policies of the cluster.'),
    pods: gauge('policy_pods', 'Pods of this node, by whether policies isolate them in a direction.', 'isolated'),
    sets: gauge('policy_sets', 'Sets of pods that policies ask for.'),
    elements: gauge('policy_elements', 'Elements of all sets and maps of the table.'),
  };
}
