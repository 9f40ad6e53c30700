/** What is counted of authentication, under upstream's names (k8s.io/apiserver/pkg/{endpoints/filters,authentication/token/cache}). */
import { Counter, DEFAULT_BOUNDS, exponentialBounds, Gauge, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { AccountTokenMetrics } from './serviceaccount/metrics.ts';

/** Names that everybody knows; those of others are not for metrics. */
const KNOWN: ReadonlySet<string> = new Set([
  'admin',
  'client',
  'kube_proxy',
  'kubelet',
  'system:serviceaccount:kube-system:default',
]);

const [HOUR, DAY] = [3600, 86_400];
const CERTIFICATE_BOUNDS = [
  ...[0, HOUR / 2, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR],
  ...[1, 2, 4, 7, 30, 90, 180, 360].map((days) => days * DAY),
];

export class AuthenticationMetrics {
  readonly #users: Counter;
  readonly #attempts: Counter;
  readonly #seconds: Histogram;
  readonly #lookups: Counter;
  readonly #lookupSeconds: Histogram;
  readonly #fetches: Counter;
  readonly #active: Gauge;
  /** A client has shown a certificate. @param seconds for which it is still good */
  readonly certificate: (seconds: number) => void;
  readonly accountTokens: AccountTokenMetrics;
  readonly #now: () => number;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(registry: MetricsRegistry, now: () => number) {
    this.#now = now;
    this.accountTokens = new AccountTokenMetrics(registry);
    const about = (name: string, help: string, label: string) =>
      ({ name, help, stability: 'ALPHA', labels: [label] }) as const;
    const counter = (name: string, help: string, label: string) =>
      registry.register(new Counter(about(name, help, label)));
    this.#users = counter('authenticated_user_requests', 'Requests of users that are known.', 'username');
    this.#attempts = counter('authentication_attempts', 'Requests by what authentication said of them.', 'result');
    this.#seconds = registry.register(
      new Histogram(
        about('authentication_duration_seconds', 'How long authentication took.', 'result'),
        exponentialBounds(0.001, 2, 15),
      ),
    );
    const certificates = registry
      .register(
        new Histogram(
          {
            name: 'apiserver_client_certificate_expiration_seconds',
            help: 'For how long certificates are still good with which clients are authenticated.',
            stability: 'ALPHA',
          },
          CERTIFICATE_BOUNDS,
        ),
      )
      .with();
    this.certificate = (seconds) => certificates.observe(seconds);
    const cache = 'authentication_token_cache_';
    this.#lookups = counter(`${cache}request_total`, 'Tokens that were looked up.', 'status');
    this.#lookupSeconds = registry.register(
      new Histogram(about(`${cache}request_duration_seconds`, 'How long that took.', 'status'), DEFAULT_BOUNDS),
    );
    this.#fetches = counter(`${cache}fetch_total`, 'Tokens that were not remembered.', 'status');
    this.#active = registry.register(
      new Gauge(
        about(`${cache}active_fetch_count`, 'Tokens that are being looked at, and who waits for that.', 'status'),
      ),
    );
  }

  /** @returns to be called with what became of a request; `name` is its user's where there is one */
  attempt(): (result: 'success' | 'failure' | 'error', name?: string) => void {
    const startedAt = this.#now();
    return (result, name) => {
      if (name !== undefined) this.#users.with(shown(name)).inc();
      this.#attempts.with(result).inc();
      this.#seconds.with(result).observe((this.#now() - startedAt) / 1000);
    };
  }

  /** @returns to be called when the token is known */
  lookUp(): (status: 'hit' | 'miss') => void {
    const startedAt = this.#now();
    return (status) => {
      this.#lookups.with(status).inc();
      this.#lookupSeconds.with(status).observe((this.#now() - startedAt) / 1000);
    };
  }

  /** Somebody waits for a token that is looked at. @returns to be called when he does not any more */
  blocked(): () => void {
    return this.#while('blocked');
  }

  /** A token is looked at. @returns to be called with whether that worked */
  fetch(): (isOk: boolean) => void {
    const done = this.#while('in_flight');
    return (isOk) => {
      this.#fetches.with(isOk ? 'ok' : 'error').inc();
      done();
    };
  }

  #while(status: string): () => void {
    const series = this.#active.with(status);
    series.value++;
    return () => {
      series.value--;
    };
  }
}

function shown(name: string): string {
  if (KNOWN.has(name)) return name;
  return name.includes('@') ? 'email_id' : 'other';
}
