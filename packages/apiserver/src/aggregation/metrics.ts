/** What is counted of APIServices, under upstream's names (kube-aggregator/pkg/controllers/status/metrics). */
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { Counter, Gauge } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { isAvailable } from './apiservice.ts';

export class AggregationMetrics {
  readonly #becameUnavailable: Counter;

  /** @param services all APIServices, as they are when somebody asks */
  constructor(registry: MetricsRegistry, services: ReadonlyMap<string, APIService>) {
    const about = { stability: 'ALPHA', name: 'aggregator_unavailable_apiservice' } as const;
    registry.register(
      new Gauge(
        { ...about, help: 'Whether an APIService is unavailable (1) or not (0).', labels: ['name'] },
        (gauge) => {
          gauge.clear();
          for (const [name, service] of services) gauge.with(name).value = isAvailable(service) ? 0 : 1;
        },
      ),
    );
    this.#becameUnavailable = registry.register(
      new Counter({
        ...about,
        name: `${about.name}_total`,
        help: 'How often APIServices became unavailable, and why.',
        labels: ['name', 'reason'],
      }),
    );
  }

  becameUnavailable(name: string, reason: string): void {
    this.#becameUnavailable.with(name, reason).inc();
  }
}
