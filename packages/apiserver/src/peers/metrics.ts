/** What is counted of peers, under upstream's names (apiserver/pkg/util/peerproxy/metrics, endpoints/discovery/aggregated/metrics.go). */
import { Counter } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

export interface PeerResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** Of a question about discovery. */
export const NO_RESOURCE: PeerResource = { group: '', version: '', resource: '' };

const RESOURCE = ['group', 'version', 'resource'];

export class PeerMetrics {
  readonly #rerouted: Counter;
  readonly #errors: Counter;
  readonly #syncErrors: Counter;
  readonly #hits: Counter;
  readonly #misses: Counter;
  readonly #local: Counter;

  constructor(registry: MetricsRegistry) {
    const counter = (name: string, help: string, labels: readonly string[] = []) =>
      registry.register(new Counter({ name, help, labels, stability: 'ALPHA' }));
    this.#rerouted = counter(
      'apiserver_rerouted_request_total',
      'Requests that were passed on to another API server since this one does not serve the resource; without a resource: questions about discovery.',
      ['code', ...RESOURCE],
    );
    this.#errors = counter(
      'apiserver_peer_proxy_errors_total',
      'Requests that could not be passed on to another API server, and why.',
      ['type', ...RESOURCE],
    );
    this.#syncErrors = counter(
      'apiserver_peer_discovery_sync_errors_total',
      'Failures to learn what another API server serves, and why.',
      ['type'],
    );
    const about = 'aggregator_discovery_';
    this.#hits = counter(
      `${about}peer_aggregated_cache_hits_total`,
      'How often the discovery of all API servers was at hand.',
    );
    this.#misses = counter(
      `${about}peer_aggregated_cache_misses_total`,
      'How often the discovery of all API servers was merged.',
    );
    this.#local = counter(
      `${about}nopeer_requests_total`,
      'How often the discovery of this server alone was asked for.',
    );
    for (const each of [this.#hits, this.#misses, this.#local]) each.with();
  }

  /** @param code of the answer */
  rerouted(code: number, { group, version, resource }: PeerResource): void {
    this.#rerouted.with(String(code), group, version, resource).inc();
  }

  notRerouted(type: 'endpoint_resolution' | 'proxy_transport', { group, version, resource }: PeerResource): void {
    this.#errors.with(type, group, version, resource).inc();
  }

  notSynced(type: 'lease_list' | 'hostport_resolution' | 'fetch_discovery'): void {
    this.#syncErrors.with(type).inc();
  }

  mergedAsked(isAtHand: boolean): void {
    (isAtHand ? this.#hits : this.#misses).with().inc();
  }

  localAsked(): void {
    this.#local.with().inc();
  }
}
