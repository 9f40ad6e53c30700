/**
 * Counters, gauges and histograms with labels, for Prometheus. A family is looked up once for a set of label values; what
 * it gives (a series) is then counted in without any hashing, which is what request handling needs.
 */

import { type AllowedValues, UNEXPECTED } from './rules.ts';

export type Stability = 'ALPHA' | 'BETA' | 'STABLE';

export interface Description {
  readonly name: string;
  readonly help: string;
  /** How long the name will mean the same, as Kubernetes says it in the help text; nothing of what is not its own. */
  readonly stability?: Stability;
  /** Since which release it is on its way out. */
  readonly deprecated?: string;
  readonly labels?: readonly string[];
  /** Its series are as many as there are objects: they are not bounded. */
  readonly perObject?: true;
}

export type FamilyType = 'counter' | 'gauge' | 'histogram';

/** A line of output: a suffix to the family's name, labels as text, a value. */
export interface Sample {
  readonly suffix: string;
  readonly labels: string;
  readonly value: number;
}

/** Beyond that many series of one family new ones share one, so that labels under a client's control cost little. */
const MAX_SERIES = 20_000;

export abstract class Family<S> {
  readonly description: Description;
  abstract readonly type: FamilyType;
  readonly #series = new Map<string, { readonly labels: string; readonly series: S }>();
  #constrained: ((values: readonly string[]) => readonly string[]) | undefined;

  constructor(description: Description) {
    this.description = description;
  }

  /** Called before the samples are read, to set what is only known then. */
  prepare(): void | Promise<void> {}

  protected abstract make(): S;
  protected abstract samplesOf(series: S, labels: string): Iterable<Sample>;

  /**
   * From now on labels have these values alone, or `unexpected`.
   * @param onUnexpected told of each value that was replaced
   */
  constrain(allowed: AllowedValues, onUnexpected: () => void): void {
    const { labels = [] } = this.description;
    this.#constrained = (values) =>
      values.map((value, i) => {
        if (allowed.get(labels[i]!)?.has(value) ?? true) return value;
        onUnexpected();
        return UNEXPECTED;
      });
  }

  /** The series with these label values, in the order in which the description names the labels. */
  with(...given: readonly string[]): S {
    const values = this.#constrained?.(given) ?? given;
    const key = values.join('\0');
    return (this.#series.get(key) ?? this.#add(key, values)).series;
  }

  #add(key: string, values: readonly string[]): { labels: string; series: S } {
    const names = this.description.labels ?? [];
    if (this.#series.size >= MAX_SERIES && !this.description.perObject) {
      const overflow = names.map(() => UNEXPECTED);
      if (key !== overflow.join('\0')) return { labels: '', series: this.with(...overflow) };
    }
    const entry = { labels: labelText(names, values), series: this.make() };
    this.#series.set(key, entry);
    return entry;
  }

  /** Series that are asked for no more. */
  remove(...values: readonly string[]): void {
    this.#series.delete(values.join('\0'));
  }
  clear(): void {
    this.#series.clear();
  }

  *samples(): Iterable<Sample> {
    const sorted = [...this.#series.values()].sort((a, b) => (a.labels < b.labels ? -1 : 1));
    for (const { labels, series } of sorted) yield* this.samplesOf(series, labels);
  }
}

export interface CounterSeries {
  value: number;
  /** @param amount not negative */
  inc(amount?: number): void;
}

class Count implements CounterSeries {
  value = 0;
  inc(amount = 1): void {
    this.value += amount;
  }
}

export class Counter extends Family<CounterSeries> {
  readonly type = 'counter';
  readonly #collect: ((counter: Counter) => void) | undefined;

  /** @param collect see {@link Family.prepare} */
  constructor(description: Description, collect?: (counter: Counter) => void) {
    super(description);
    this.#collect = collect;
  }
  override prepare(): void {
    this.#collect?.(this);
  }
  protected make(): CounterSeries {
    return new Count();
  }
  protected *samplesOf({ value }: CounterSeries, labels: string): Iterable<Sample> {
    yield { suffix: '', labels, value };
  }
}

/** `value` may be set, raised and lowered. */
export interface GaugeSeries {
  value: number;
}

export class Gauge extends Family<GaugeSeries> {
  readonly type = 'gauge';
  readonly #collect: ((gauge: Gauge) => void | Promise<void>) | undefined;

  /** @param collect see {@link Family.prepare} */
  constructor(description: Description, collect?: (gauge: Gauge) => void | Promise<void>) {
    super(description);
    this.#collect = collect;
  }
  protected make(): GaugeSeries {
    return { value: 0 };
  }
  override prepare(): void | Promise<void> {
    return this.#collect?.(this);
  }
  protected *samplesOf({ value }: GaugeSeries, labels: string): Iterable<Sample> {
    yield { suffix: '', labels, value };
  }
}

export interface HistogramSeries {
  observe(value: number): void;
}

class Distribution implements HistogramSeries {
  readonly bounds: readonly number[];
  /** Of each bucket alone; the last is beyond all bounds. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }
  observe(value: number): void {
    let i = 0;
    while (i < this.bounds.length && value > this.bounds[i]!) i++;
    this.counts[i]!++;
    this.sum += value;
  }
}

export class Histogram extends Family<HistogramSeries> {
  readonly type = 'histogram';
  readonly #bounds: readonly number[];

  /** @param bounds the upper bounds of the buckets, ascending, without infinity */
  constructor(description: Description, bounds: readonly number[]) {
    super(description);
    this.#bounds = bounds;
  }
  protected make(): HistogramSeries {
    return new Distribution(this.#bounds);
  }
  protected *samplesOf(series: HistogramSeries, labels: string): Iterable<Sample> {
    const { bounds, counts, sum } = series as Distribution;
    yield* bucketSamples(bounds, counts, sum, labels);
  }
}

function* bucketSamples(
  bounds: readonly number[],
  counts: readonly number[],
  sum: number,
  labels: string,
): Iterable<Sample> {
  const separator = labels === '' ? '' : ',';
  let total = 0;
  for (const [i, count] of counts.entries()) {
    total += count;
    yield { suffix: '_bucket', labels: `${labels}${separator}le="${bounds[i] ?? '+Inf'}"`, value: total };
  }
  yield { suffix: '_sum', labels, value: sum };
  yield { suffix: '_count', labels, value: total };
}

/** Observations that somebody else has added up, with weights. */
export interface Weighted {
  readonly bounds: readonly number[];
  /** Of each bucket alone; the last is beyond all bounds. */
  readonly weights: readonly number[];
  readonly sum: number;
}

export class WeightedHistogram extends Family<{ weighted: Weighted | undefined }> {
  readonly type = 'histogram';
  readonly #collect: () => Iterable<readonly [weighted: Weighted, labels: readonly string[]]>;

  /** @param collect all series, when they are read */
  constructor(
    description: Description,
    collect: () => Iterable<readonly [weighted: Weighted, labels: readonly string[]]>,
  ) {
    super(description);
    this.#collect = collect;
  }
  protected make(): { weighted: Weighted | undefined } {
    return { weighted: undefined };
  }
  override prepare(): void {
    this.clear();
    for (const [weighted, labels] of this.#collect()) this.with(...labels).weighted = weighted;
  }
  protected *samplesOf({ weighted }: { weighted: Weighted | undefined }, labels: string): Iterable<Sample> {
    if (weighted) yield* bucketSamples(weighted.bounds, weighted.weights, weighted.sum, labels);
  }
}

/** As Prometheus' clients have them where nobody says otherwise; seconds. */
export const DEFAULT_BOUNDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** `count` bounds from `start`, each `factor` times the one before. */
export function exponentialBounds(start: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start * factor ** i);
}

/** Sorted by name, as clients of Prometheus in Go write them. */
function labelText(names: readonly string[], values: readonly string[]): string {
  if (names.length !== values.length) throw new Error(`${values.length} values for the labels ${names.join(', ')}`);
  const pairs = names.map((name, i) => `${name}="${escapeLabel(values[i]!)}"`);
  return pairs.sort().join(',');
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
