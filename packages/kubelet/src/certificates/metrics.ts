/** What is counted of the kubelet's certificates that are renewed (pkg/kubelet/certificate/kubelet.go, cmd/kubelet/app/server.go). */
import { Counter, Gauge, Histogram, type HistogramSeries } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

const DAY = 86_400;
const LIVES = [60, 3600, 4 * 3600, ...[1, 7, 30, 90, 180, 360, 4 * 360].map((days) => days * DAY)];

const FAMILIES = {
  client: {
    ttl: 'certificate_manager_client_ttl_seconds',
    errors: 'certificate_manager_client_expiration_renew_errors',
  },
  server: { ttl: 'certificate_manager_server_ttl_seconds', errors: 'server_expiration_renew_errors' },
} as const;

export class CertificateMetrics {
  readonly #errors: Counter;
  readonly #lives: HistogramSeries | undefined;
  readonly #now: () => number;
  #held: { readonly since: number; readonly until: number } | undefined;

  /** @param now milliseconds since 1970 */
  constructor(kind: 'client' | 'server', registry: MetricsRegistry, now: () => number) {
    this.#now = now;
    const { ttl, errors } = FAMILIES[kind];
    const about = (name: string, help: string) => ({ name: `kubelet_${name}`, help, stability: 'ALPHA' }) as const;
    this.#errors = registry.register(new Counter(about(errors, 'How often a certificate could not be renewed.')));
    const help = 'Seconds until the certificate ends; negative when it has, +Inf where there is none.';
    registry.register(
      new Gauge(about(ttl, help), (gauge) => {
        gauge.with().value = this.#held ? Math.trunc((this.#held.until - now()) / 1000) : Number.POSITIVE_INFINITY;
      }),
    );
    const lived = about('certificate_manager_server_rotation_seconds', 'How long certificates lived until the next.');
    if (kind === 'server') this.#lives = registry.register(new Histogram(lived, LIVES)).with();
  }

  /** Has one from now on. @param valid in milliseconds since 1970 */
  holds(valid: { readonly from: number; readonly to: number }): void {
    if (this.#held) this.#lives?.observe((this.#now() - this.#held.since) / 1000);
    this.#held = { since: valid.from, until: valid.to };
  }

  failed(): void {
    this.#errors.with().inc();
  }
}
