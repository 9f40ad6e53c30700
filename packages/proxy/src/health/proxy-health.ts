/** Whether the rules keep up with the cluster (pkg/proxy/healthcheck/proxy_health.go). */
import type { Node } from '@keelson/api/generated/types/core/v1';
import type { PlainAnswer } from '@keelson/component/serving/plain';
import type { Family } from '../addresses.ts';
import type { ProxyMetrics } from '../metrics.ts';
import { Progress } from './progress.ts';

const TO_BE_DELETED = 'ToBeDeletedByClusterAutoscaler';

export class ProxyHealth extends Progress<Family> {
  readonly #metrics: ProxyMetrics;

  /** @param timeoutMs so long a change may wait */
  constructor(timeoutMs: number, now: () => number, metrics: ProxyMetrics) {
    super(timeoutMs, now);
    this.#metrics = metrics;
  }

  /** `/livez` */
  live(): PlainAnswer {
    const answer = this.answer();
    this.#metrics.livez.with(String(answer.status)).inc();
    return answer;
  }

  /** `/healthz`, which load balancers ask, too: a node that is about to go gets nothing new. */
  health(node: Node | undefined): PlainAnswer {
    const nodeEligible =
      node !== undefined &&
      node.metadata.deletionTimestamp === undefined &&
      !node.spec?.taints?.some(({ key }) => key === TO_BE_DELETED);
    const answer = this.answer(this.isHealthy && nodeEligible, { nodeEligible });
    this.#metrics.healthz.with(String(answer.status)).inc();
    return answer;
  }
}
