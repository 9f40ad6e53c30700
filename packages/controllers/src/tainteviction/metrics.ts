/** What is counted of evictions for taints (pkg/controller/tainteviction/metrics, pkg/controller/devicetainteviction/metrics). */
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { Families } from '../metrics.ts';

const SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240];

export class EvictionMetrics {
  readonly #deletions;
  readonly #late;

  /** @param subsystem with which names begin */
  constructor(registry: MetricsRegistry | undefined, subsystem: string) {
    const families = new Families(subsystem, registry);
    this.#deletions = families.counter('pod_deletions_total', 'ALPHA', 'Pods that were deleted.');
    const help = 'How much later than it was due a pod was deleted.';
    this.#late = families.histogram(SECONDS, 'pod_deletion_duration_seconds', 'ALPHA', help);
  }

  /** @param lateMs how long after the pod's time had come */
  deleted(lateMs: number): void {
    this.#deletions.with().inc();
    this.#late.with().observe(Math.max(0, lateMs) / 1000);
  }
}
