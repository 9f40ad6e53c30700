/** What single controllers count, under upstream's names. */
import { Counter, type Description, Gauge, Histogram } from '@keelson/component/metrics/families';
import { MetricsRegistry } from '@keelson/component/metrics/registry';

type Stability = Description['stability'];

/** Metrics of one controller, registered as they are made. */
export class Families {
  readonly #registry: MetricsRegistry;
  readonly #subsystem: string;

  /** @param registry of the process; without it nobody reads them */
  constructor(subsystem: string, registry = new MetricsRegistry()) {
    this.#registry = registry;
    this.#subsystem = subsystem;
  }

  counter(name: string, stability: Stability, help: string, ...labels: string[]): Counter {
    return this.#registry.register(new Counter(this.#about(name, stability, help, labels)));
  }
  gauge(name: string, stability: Stability, help: string, ...labels: string[]): Gauge {
    return this.#registry.register(new Gauge(this.#about(name, stability, help, labels)));
  }
  histogram(
    bounds: readonly number[],
    name: string,
    stability: Stability,
    help: string,
    ...labels: string[]
  ): Histogram {
    return this.#registry.register(new Histogram(this.#about(name, stability, help, labels), bounds));
  }

  #about(name: string, stability: Stability, help: string, labels: readonly string[]): Description {
    return { name: `${this.#subsystem}_${name}`, help, stability, labels };
  }
}
