/** What single controllers count, under upstream's names. */
import { Counter, type Description, Gauge, Histogram, type Stability } from '@keelson/component/metrics/families';
import { MetricsRegistry } from '@keelson/component/metrics/registry';

/** Metrics of one controller, registered as they are made. */
export class Families {
  readonly #registry: MetricsRegistry;
  readonly #subsystem: string;

  /** @param subsystem with which names begin; empty for none @param registry of the process; without it nobody reads them */
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
  /** @param count yields the series that there are when they are read, each by its labels */
  counted(
    count: () => Iterable<readonly [value: number, labels: readonly string[]]>,
    name: string,
    stability: Stability,
    help: string,
    ...labels: string[]
  ): Gauge {
    const collect = (gauge: Gauge) => {
      gauge.clear();
      for (const [value, of] of count()) gauge.with(...of).value = value;
    };
    return this.#registry.register(new Gauge(this.#about(name, stability, help, labels), collect));
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
    return { name: this.#subsystem === '' ? name : `${this.#subsystem}_${name}`, help, stability, labels };
  }
}

/** How many things have the same labels, for {@link Families.counted}. */
export function* countsBy<T>(
  things: Iterable<T>,
  labelsOf: (thing: T) => readonly string[],
): Iterable<readonly [value: number, labels: readonly string[]]> {
  const groups = new Map<string, { readonly labels: readonly string[]; count: number }>();
  for (const thing of things) {
    const labels = labelsOf(thing);
    const key = labels.join('\0');
    const group = groups.get(key) ?? { labels, count: 0 };
    group.count++;
    groups.set(key, group);
  }
  for (const { labels, count } of groups.values()) yield [count, labels];
}
