/** What is counted of connections through proxies (apiserver/pkg/server/egressselector/metrics). */
import { Counter, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

export type Protocol = 'http_connect' | 'grpc';
export type TransportName = 'tcp' | 'uds';
/** How far a connection has come: to the proxy, or through it. */
export type Stage = 'connect' | 'proxy';

const PREFIX = 'apiserver_egress_dialer_dial_';
const LABELS = ['protocol', 'transport'];
const BOUNDS = [0.005, 0.025, 0.1, 0.5, 2.5, 12.5];

/** Made before there is a registry: etcd is connected to before the server is. */
export class EgressMetrics {
  readonly #now: () => number;
  readonly #starts = new Counter({
    name: `${PREFIX}start_total`,
    help: 'Connections that were to be made through a proxy.',
    stability: 'ALPHA',
    labels: LABELS,
  });
  readonly #durations = new Histogram(
    {
      name: `${PREFIX}duration_seconds`,
      help: 'How long it took to make a connection through a proxy.',
      stability: 'ALPHA',
      labels: LABELS,
    },
    BOUNDS,
  );
  readonly #failures = new Counter({
    name: `${PREFIX}failure_count`,
    help: 'Connections through a proxy that were not made, and how far they came.',
    stability: 'ALPHA',
    labels: [...LABELS, 'stage'],
  });

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(now: () => number) {
    this.#now = now;
  }

  register(registry: MetricsRegistry): void {
    for (const family of [this.#starts, this.#durations, this.#failures])
      registry.register<Counter | Histogram>(family);
  }

  /** @param dial is told how to say that the proxy itself is reached */
  async dialing<T>(
    protocol: Protocol,
    transport: TransportName,
    dial: (onReached: () => void) => Promise<T>,
  ): Promise<T> {
    const startedAt = this.#now();
    let stage: Stage = 'connect';
    this.#starts.with(protocol, transport).inc();
    try {
      const made = await dial(() => {
        stage = 'proxy';
      });
      this.#durations.with(protocol, transport).observe((this.#now() - startedAt) / 1000);
      return made;
    } catch (error) {
      this.#failures.with(protocol, transport, stage).inc();
      throw error;
    }
  }
}
