/** What is counted of a signer outside, under upstream's names (pkg/serviceaccount/externaljwt/metrics). */
import { codeOf } from '@keelson/component/grpc/errors';
import { timedCall } from '@keelson/component/grpc/timed';
import { Counter, Gauge, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

const BOUNDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export class SignerMetrics {
  readonly #now: () => number;
  readonly #fetchedAt: Gauge;
  readonly #dataFrom: Gauge;
  readonly #fetches: Counter;
  readonly #signatures: Counter;
  readonly #calls: Histogram;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(registry: MetricsRegistry, now: () => number) {
    this.#now = now;
    const described = (name: string, help: string, ...labels: string[]) =>
      ({ name: `apiserver_externaljwt_${name}`, help, stability: 'ALPHA', labels }) as const;
    this.#fetchedAt = registry.register(
      new Gauge(described('fetch_keys_success_timestamp', 'When keys were last fetched, in seconds since 1970.')),
    );
    this.#dataFrom = registry.register(
      new Gauge(described('fetch_keys_data_timestamp', 'When the signer learned of them, in seconds since 1970.')),
    );
    this.#fetches = registry.register(
      new Counter(described('fetch_keys_request_total', 'How often keys were fetched, or should have been.', 'code')),
    );
    this.#signatures = registry.register(
      new Counter(described('sign_request_total', 'How often tokens were signed, or should have been.', 'code')),
    );
    this.#calls = registry.register(
      new Histogram(described('request_duration_seconds', 'How long the signer took.', 'method', 'code'), BOUNDS),
    );
  }

  /** Makes the call. @param method the path of gRPC's. @throws what it throws */
  call<T>(method: string, call: () => Promise<T>): Promise<T> {
    return timedCall(this.#now, (code, seconds) => this.#calls.with(method, code).observe(seconds), call);
  }

  /** @param at milliseconds since the epoch. @param dataFrom seconds */
  fetched(at: number, dataFrom: number): void {
    this.#fetches.with('OK').inc();
    this.#fetchedAt.with().value = at / 1000;
    this.#dataFrom.with().value = dataFrom;
  }
  fetchFailed(error: unknown): void {
    this.#fetches.with(codeOf(error)).inc();
  }

  signed(): void {
    this.#signatures.with('OK').inc();
  }
  signingFailed(error: unknown): void {
    this.#signatures.with(codeOf(error)).inc();
  }
}
