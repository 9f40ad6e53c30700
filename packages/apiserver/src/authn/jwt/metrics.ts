/** What is counted of JSON Web Tokens and of their issuers' keys, under upstream's names. */
import { Gauge, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { hashOf } from '../../metrics/hash.ts';

const BOUNDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface JwtMetricsWorld {
  /** Milliseconds of a clock that never goes backwards. */
  readonly monotonic: () => number;
  readonly now: () => Date;
  /** Of this API server. */
  readonly identity: string;
}

export class JwtMetrics {
  readonly #latency: Histogram;
  readonly #fetchedAt: Gauge;
  readonly #keySets: Gauge;
  readonly #world: JwtMetricsWorld;
  readonly #id: string;
  /** The hash that is shown, by issuer. */
  readonly #shown = new Map<string, string>();

  constructor(registry: MetricsRegistry, world: JwtMetricsWorld) {
    this.#world = world;
    this.#id = hashOf(world.identity);
    const about = (name: string, help: string, ...labels: readonly string[]) =>
      ({ name: `apiserver_authentication_jwt_authenticator_${name}`, help, stability: 'ALPHA', labels }) as const;
    this.#latency = registry.register(
      new Histogram(about('latency_seconds', 'How long tokens took.', 'result', 'jwt_issuer_hash'), BOUNDS),
    );
    this.#fetchedAt = registry.register(
      new Gauge(
        about(
          'jwks_fetch_last_timestamp_seconds',
          "When an issuer's keys were last fetched, or were to be.",
          'result',
          'jwt_issuer_hash',
          'apiserver_id_hash',
        ),
      ),
    );
    this.#keySets = registry.register(
      new Gauge(
        about(
          'jwks_fetch_last_key_set_info',
          "An issuer's keys, by their hash.",
          'jwt_issuer_hash',
          'apiserver_id_hash',
          'hash',
        ),
      ),
    );
  }

  /** @returns to be called with what became of a token */
  authentication(issuer: string): (result: 'success' | 'failure') => void {
    const startedAt = this.#world.monotonic();
    return (result) => this.#latency.with(result, hashOf(issuer)).observe((this.#world.monotonic() - startedAt) / 1000);
  }

  /** @param text the keys; undefined: they could not be fetched */
  fetched(issuer: string, text: string | undefined): void {
    const hash = hashOf(issuer);
    const result = text === undefined ? 'failure' : 'success';
    this.#fetchedAt.with(result, hash, this.#id).value = this.#world.now().getTime() / 1000;
    if (text === undefined) return;
    const before = this.#shown.get(issuer);
    if (before !== undefined) this.#keySets.remove(hash, this.#id, before);
    this.#shown.set(issuer, hashOf(text));
    this.#keySets.with(hash, this.#id, hashOf(text)).value = 1;
  }

  /** Nobody accepts tokens of this issuer any more. */
  forget(issuer: string): void {
    const hash = hashOf(issuer);
    for (const result of ['success', 'failure']) this.#fetchedAt.remove(result, hash, this.#id);
    const shown = this.#shown.get(issuer);
    if (shown !== undefined) this.#keySets.remove(hash, this.#id, shown);
    this.#shown.delete(issuer);
  }
}
