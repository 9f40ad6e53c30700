/** What is counted of autoscalers (pkg/controller/podautoscaler/monitor). */
import { exponentialBounds } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { Families } from '../metrics.ts';

/** Whose fault it is that something failed: the autoscaler's spec, or whoever was asked. */
export type Fault = 'spec' | 'internal' | 'none';

const BOUNDS = exponentialBounds(0.001, 2, 15);

export class AutoscalerCounts {
  readonly #looks;
  readonly #lookSeconds;
  readonly #computations;
  readonly #computationSeconds;
  readonly #desired;

  /** @param count tells how many autoscalers there are */
  constructor(registry: MetricsRegistry | undefined, count: () => number) {
    const families = new Families('horizontal_pod_autoscaler_controller', registry);
    const look = ['action', 'error'];
    const metric = [...look, 'metric_type'];
    this.#looks = families.counter('reconciliations_total', 'BETA', 'Looks at autoscalers.', ...look);
    this.#lookSeconds = families.histogram(
      BOUNDS,
      'reconciliation_duration_seconds',
      'BETA',
      'How long a look at an autoscaler took.',
      ...look,
    );
    this.#computations = families.counter(
      'metric_computation_total',
      'BETA',
      'Metrics of which replicas were derived.',
      ...metric,
    );
    this.#computationSeconds = families.histogram(
      BOUNDS,
      'metric_computation_duration_seconds',
      'BETA',
      'How long it took to derive replicas of a metric.',
      ...metric,
    );
    families.counted(() => [[count(), []]], 'num_horizontal_pod_autoscalers', 'ALPHA', 'Autoscalers that there are.');
    this.#desired = families.gauge(
      'desired_replicas',
      'ALPHA',
      'Replicas that an autoscaler wants.',
      'namespace',
      'hpa_name',
    );
  }

  /** @param by how many replicas more there are to be */
  looked(by: number, fault: Fault, ms: number): void {
    const labels = [actionOf(by), fault] as const;
    this.#looks.with(...labels).inc();
    this.#lookSeconds.with(...labels).observe(ms / 1000);
  }

  /** @param by how many replicas more the metric asks for */
  computed(type: string, by: number, fault: Fault, ms: number): void {
    const labels = [actionOf(by), fault, type] as const;
    this.#computations.with(...labels).inc();
    this.#computationSeconds.with(...labels).observe(ms / 1000);
  }

  desires(namespace: string, name: string, replicas: number): void {
    this.#desired.with(namespace, name).value = replicas;
  }

  forget(namespace: string, name: string): void {
    this.#desired.remove(namespace, name);
  }
}

function actionOf(by: number): string {
  if (by === 0) return 'none';
  return by > 0 ? 'scale_up' : 'scale_down';
}
