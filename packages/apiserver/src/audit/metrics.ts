/** What is counted of audit events, under upstream's names (apiserver/pkg/audit/metrics.go). */
import { Counter } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Level } from './policy.ts';

export class AuditMetrics {
  readonly #events: Counter;
  readonly #errors: Counter;
  readonly #levels: Counter;
  readonly #rejected: Counter;

  constructor(registry: MetricsRegistry) {
    const counter = (name: string, help: string, ...labels: readonly string[]): Counter =>
      registry.register(new Counter({ name: `apiserver_audit_${name}`, help, stability: 'ALPHA', labels }));
    this.#events = counter('event_total', 'Audit events.');
    this.#errors = counter('error_total', 'Audit events that were lost, by what lost them.', 'plugin');
    this.#levels = counter('level_total', 'Requests by the level at which they are recorded.', 'level');
    this.#rejected = counter('requests_rejected_total', 'Requests refused since they could not be recorded.');
    this.#events.with();
    this.#rejected.with();
  }

  event(): void {
    this.#events.with().inc();
  }
  lost(plugin: string, events: number): void {
    this.#errors.with(plugin).inc(events);
  }
  level(level: Level): void {
    this.#levels.with(level).inc();
  }
  rejected(): void {
    this.#rejected.with().inc();
  }
}
