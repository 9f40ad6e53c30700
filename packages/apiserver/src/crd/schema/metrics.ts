/** How long rules take, of all definitions together (apiserver/pkg/cel/metrics). */
import { DEFAULT_BOUNDS, Histogram, type HistogramSeries } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

export class RuleMetrics {
  readonly #compilation: HistogramSeries;
  readonly #evaluation: HistogramSeries;
  readonly #now: () => number;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(registry: MetricsRegistry, now: () => number) {
    this.#now = now;
    const histogram = (name: string, help: string) =>
      registry
        .register(new Histogram({ name: `apiserver_cel_${name}`, help, stability: 'BETA' }, DEFAULT_BOUNDS))
        .with();
    this.#compilation = histogram('compilation_duration_seconds', 'How long it took to compile the rules of a schema.');
    this.#evaluation = histogram(
      'evaluation_duration_seconds',
      'How long it took to evaluate the rules of a schema on a value.',
    );
  }

  /** The rules of a schema. @returns to be called when it is done */
  compiling(): () => void {
    return this.#timed(this.#compilation);
  }

  /** The rules of a schema, on a value. @returns to be called when it is done */
  evaluating(): () => void {
    return this.#timed(this.#evaluation);
  }

  #timed(series: HistogramSeries): () => void {
    const startedAt = this.#now();
    return () => series.observe((this.#now() - startedAt) / 1000);
  }
}
