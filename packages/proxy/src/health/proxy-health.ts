/** Whether the rules keep up with the cluster (pkg/proxy/healthcheck/proxy_health.go). */
import type { Node } from '@keelson/api/generated/types/core/v1';
import type { PlainAnswer } from '@keelson/component/serving/plain';
import type { Family } from '../addresses.ts';
import type { ProxyMetrics } from '../metrics.ts';

const TO_BE_DELETED = 'ToBeDeletedByClusterAutoscaler';

interface FamilyHealth {
  updated: number;
  /** Since when a change waits. */
  waiting: number | undefined;
}

export class ProxyHealth {
  readonly #timeoutMs: number;
  readonly #now: () => number;
  readonly #metrics: ProxyMetrics;
  readonly #families = new Map<Family, FamilyHealth>();

  /** @param timeoutMs so long a change may wait */
  constructor(timeoutMs: number, now: () => number, metrics: ProxyMetrics) {
    this.#timeoutMs = timeoutMs;
    this.#now = now;
    this.#metrics = metrics;
  }

  changed(family: Family): void {
    const health = this.#families.get(family);
    if (health) health.waiting ??= this.#now();
  }

  updated(family: Family): void {
    this.#families.set(family, { updated: this.#now(), waiting: undefined });
  }

  get isHealthy(): boolean {
    return [...this.#families.values()].every((health) => this.#keepsUp(health));
  }

  /** `/livez` */
  live(): PlainAnswer {
    const answer = this.#answer(this.isHealthy, undefined);
    this.#metrics.livez.with(String(answer.status)).inc();
    return answer;
  }

  /** `/healthz`, which load balancers ask, too: a node that is about to go gets nothing new. */
  health(node: Node | undefined): PlainAnswer {
    const isEligible =
      node !== undefined &&
      node.metadata.deletionTimestamp === undefined &&
      !node.spec?.taints?.some(({ key }) => key === TO_BE_DELETED);
    const answer = this.#answer(this.isHealthy && isEligible, isEligible);
    this.#metrics.healthz.with(String(answer.status)).inc();
    return answer;
  }

  #answer(isWell: boolean, nodeEligible: boolean | undefined): PlainAnswer {
    const now = this.#now();
    const time = (ms: number) => new Date(ms).toISOString();
    const updated = Math.max(0, ...[...this.#families.values()].map((health) => health.updated));
    const body = {
      lastUpdated: time(isWell ? now : updated),
      currentTime: time(now),
      ...(nodeEligible === undefined ? {} : { nodeEligible }),
      healthy: this.isHealthy,
      status: Object.fromEntries(
        [...this.#families].map(([family, health]) => [
          family,
          { lastUpdated: time(health.updated), healthy: this.#keepsUp(health) },
        ]),
      ),
    };
    return { status: isWell ? 200 : 503, headers: JSON_HEADERS, body: JSON.stringify(body) };
  }

  #keepsUp({ waiting }: FamilyHealth): boolean {
    return waiting === undefined || this.#now() - waiting < this.#timeoutMs;
  }
}

export const JSON_HEADERS = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' };
