/** How looks at all pods of the runtime go, for what its events do not tell (pkg/kubelet/metrics: PLEG). */
import { Counter, DEFAULT_BOUNDS, Gauge, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

export class RelistMetrics {
  readonly #durations: Histogram;
  readonly #intervals: Histogram;
  readonly #seen: Gauge;
  readonly #connected: Counter;
  readonly #broken: Counter;
  readonly #monotonic: () => number;
  readonly #now: () => number;
  #last: number | undefined;

  /** @param monotonic milliseconds of a clock that never goes backwards @param now milliseconds since 1970 */
  constructor(registry: MetricsRegistry, monotonic: () => number, now: () => number) {
    this.#monotonic = monotonic;
    this.#now = now;
    const about = (name: string, help: string) => ({ name: `kubelet_${name}`, help, stability: 'ALPHA' }) as const;
    const histogram = (name: string, help: string) =>
      registry.register(new Histogram(about(`pleg_relist_${name}_seconds`, help), DEFAULT_BOUNDS));
    this.#durations = histogram('duration', 'How long it took to look at all pods of the runtime.');
    this.#intervals = histogram('interval', 'From one look at all pods of the runtime to the next.');
    this.#seen = registry.register(
      new Gauge(about('pleg_last_seen_seconds', 'When all pods of the runtime were last looked at, in Unix time.')),
    );
    const connection = (name: string, help: string) =>
      registry.register(new Counter(about(`evented_pleg_connection_${name}_count`, help)));
    this.#connected = connection('success', "How often the runtime's events were listened to.");
    this.#broken = connection('error', "How often the runtime's events broke off.");
  }

  /** @returns to be called when it is done, well or not */
  looking(): () => void {
    const startedAt = this.#monotonic();
    if (this.#last !== undefined) this.#intervals.with().observe((startedAt - this.#last) / 1000);
    this.#last = startedAt;
    return () => {
      this.#durations.with().observe((this.#monotonic() - startedAt) / 1000);
      this.#seen.with().value = Math.floor(this.#now() / 1000);
    };
  }

  connected(): void {
    this.#connected.with().inc();
  }
  broken(): void {
    this.#broken.with().inc();
  }
}
