/** What is counted of replica sets (pkg/controller/replicaset/metrics). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { millisOf } from '@keelson/api/time';
import { exponentialBounds } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { Families } from '../metrics.ts';
import { isReady } from '../pods/state.ts';

export class ReplicaSetMetrics {
  readonly #ratios;

  constructor(registry: MetricsRegistry | undefined) {
    this.#ratios = new Families('replicaset_controller', registry).histogram(
      exponentialBounds(0.25, 2, 6),
      'sorting_deletion_age_ratio',
      'ALPHA',
      'Of ready pods that go while others stay, how many times as old as the youngest one they are.',
    );
  }

  /** @param leaving of the pods those that go */
  chose(leaving: readonly Pod[], pods: readonly Pod[], now: number): void {
    const ageOf = ({ metadata }: Pod) => now - millisOf(metadata.creationTimestamp!);
    const youngest = Math.min(...pods.filter(isReady).map(ageOf));
    for (const pod of leaving.filter(isReady)) {
      const ratio = Math.trunc(ageOf(pod) / youngest);
      if (Number.isFinite(ratio)) this.#ratios.with().observe(ratio);
    }
  }
}
