import { Counter, Gauge } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { hashOf } from './hash.ts';

export interface ReloadMetricsOptions {
  /** What the file configures, in the metrics' names: `authentication`, `authorization`, `encryption`. */
  readonly what: string;
  /** How much upstream promises of the counts. */
  readonly stability: 'ALPHA' | 'BETA';
  /** Of this API server. */
  readonly identity: string;
  readonly now: () => Date;
}

/** What is counted of a configuration that is read again when it changes (apiserver/pkg/server/options/{authentication,authorization,encryption}config/metrics). */
export class ReloadMetrics {
  readonly #reloads: Counter;
  readonly #reloadedAt: Gauge;
  readonly #info: Gauge;
  readonly #id: string;
  readonly #now: () => Date;

  constructor(registry: MetricsRegistry, { what, stability, identity, now }: ReloadMetricsOptions) {
    const prefix = `apiserver_${what}_config_controller_`;
    const labels = ['status', 'apiserver_id_hash'];
    this.#id = hashOf(identity);
    this.#now = now;
    this.#reloads = registry.register(
      new Counter({
        name: `${prefix}automatic_reloads_total`,
        help: `How often the ${what} configuration was read again.`,
        stability,
        labels,
      }),
    );
    this.#reloadedAt = registry.register(
      new Gauge({
        name: `${prefix}automatic_reload_last_timestamp_seconds`,
        help: `When the ${what} configuration was last read again.`,
        stability,
        labels,
      }),
    );
    this.#info = registry.register(
      new Gauge({
        name: `${prefix}last_config_info`,
        help: `The ${what} configuration in force, by its hash.`,
        stability: 'ALPHA',
        labels: ['apiserver_id_hash', 'hash'],
      }),
    );
  }

  /** @param hash of the text that is in force */
  inForce(hash: string): void {
    this.#info.clear();
    this.#info.with(this.#id, hash).value = 1;
  }

  reloaded(status: 'success' | 'failure'): void {
    this.#reloads.with(status, this.#id).inc();
    this.#reloadedAt.with(status, this.#id).value = this.#now().getTime() / 1000;
  }
}
