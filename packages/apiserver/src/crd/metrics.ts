/** What is counted of custom resources, under upstream's names (apiextensions-apiserver/pkg/apiserver/conversion, apiserver/pkg/cel/metrics). */
import { Counter, exponentialBounds, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

/** How far a conversion got that failed. */
export type ConversionFailure = 'call' | 'malformed_response' | 'partial_response' | 'invalid_converted_object';

export class ConversionMetrics {
  readonly #total: Counter;
  readonly #durations: Histogram;
  readonly #byDefinition: Histogram;
  readonly #now: () => number;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(registry: MetricsRegistry, now: () => number) {
    this.#now = now;
    const labels = ['result', 'failure_type'];
    const prefix = 'apiserver_conversion_webhook_';
    this.#total = registry.register(
      new Counter({
        name: `${prefix}request_total`,
        help: 'Calls of webhooks that convert, by how they failed.',
        stability: 'ALPHA',
        labels,
      }),
    );
    this.#durations = registry.register(
      new Histogram(
        { name: `${prefix}duration_seconds`, help: 'How long webhooks took to convert.', stability: 'ALPHA', labels },
        [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60],
      ),
    );
    this.#byDefinition = registry.register(
      new Histogram(
        {
          name: 'apiserver_crd_conversion_webhook_duration_seconds',
          help: 'How long webhooks took to convert, by definition and versions.',
          stability: 'ALPHA',
          labels: ['crd_name', 'from_version', 'to_version', 'succeeded'],
        },
        exponentialBounds(0.001, 2, 15),
      ),
    );
  }

  /** @returns to be called when it has ended */
  converting(definition: string, from: string, to: string): (failure?: ConversionFailure) => void {
    const startedAt = this.#now();
    return (failure) => {
      const seconds = (this.#now() - startedAt) / 1000;
      const labels = failure ? ['failure', `conversion_webhook_${failure}_failure`] : ['success', ''];
      this.#total.with(...labels).inc();
      this.#durations.with(...labels).observe(seconds);
      this.#byDefinition.with(definition, from, to, String(failure === undefined)).observe(seconds);
    };
  }
}
