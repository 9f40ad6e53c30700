/** Pods that are deleted by force (pkg/controller/podgc/metrics). */
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { Families } from '../metrics.ts';

export type Reason = 'terminated' | 'out-of-service' | 'orphaned' | 'unscheduled';

export class PodCollectorMetrics {
  readonly #pods;
  readonly #errors;

  constructor(registry: MetricsRegistry | undefined) {
    const families = new Families('pod_gc_collector', registry);
    const labels = ['namespace', 'reason'];
    this.#pods = families.counter('force_delete_pods_total', 'ALPHA', 'Pods deleted by force.', ...labels);
    this.#errors = families.counter('force_delete_pod_errors_total', 'ALPHA', 'Those that could not be.', ...labels);
  }

  /** @throws what `remove` throws */
  async counted(
    { metadata: { namespace = '' } }: { readonly metadata: { readonly namespace?: string } },
    reason: Reason,
    remove: () => Promise<void>,
  ): Promise<void> {
    this.#pods.with(namespace, reason).inc();
    try {
      await remove();
    } catch (error) {
      this.#errors.with(namespace, reason).inc();
      throw error;
    }
  }
}
