/** What `/metrics/slis` tells of a component: its health checks (component-base/metrics/prometheus/slis). */
import { Counter, Gauge } from './families.ts';
import { registerStart } from './process.ts';
import { MetricsRegistry } from './registry.ts';

export class HealthMetrics {
  readonly registry = new MetricsRegistry();
  readonly #last: Gauge;
  readonly #results: Counter;

  constructor() {
    this.#last = this.registry.register(
      new Gauge({
        name: 'kubernetes_healthcheck',
        help: 'The last result of a health check: 1 healthy, 0 not.',
        stability: 'STABLE',
        labels: ['name', 'type'],
      }),
    );
    this.#results = this.registry.register(
      new Counter({
        name: 'kubernetes_healthchecks_total',
        help: 'Results of health checks.',
        stability: 'STABLE',
        labels: ['name', 'type', 'status'],
      }),
    );
    registerStart(this.registry);
  }

  /** @param endpoint that was asked: `healthz`, `livez`, `readyz` */
  record(check: string, endpoint: string, isHealthy: boolean): void {
    this.#last.with(check, endpoint).value = isHealthy ? 1 : 0;
    this.#results.with(check, endpoint, isHealthy ? 'success' : 'error').inc();
  }
}
