/** How long rules take: of all definitions of the process (apiserver/pkg/cel/metrics). */
import { DEFAULT_BOUNDS, Histogram, type HistogramSeries } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

const compilation = new Histogram(
  {
    name: 'apiserver_cel_compilation_duration_seconds',
    help: 'How long it took to compile the rules of a schema.',
    stability: 'BETA',
  },
  DEFAULT_BOUNDS,
);
const evaluation = new Histogram(
  {
    name: 'apiserver_cel_evaluation_duration_seconds',
    help: 'How long it took to evaluate the rules of a schema on a value.',
    stability: 'BETA',
  },
  DEFAULT_BOUNDS,
);

export function registerRuleMetrics(registry: MetricsRegistry): void {
  registry.register(compilation);
  registry.register(evaluation);
}

/** @returns to be called when it is done */
const timed = (series: HistogramSeries) => (): (() => void) => {
  const startedAt = performance.now();
  return () => series.observe((performance.now() - startedAt) / 1000);
};

export const compiling = timed(compilation.with());
export const evaluating = timed(evaluation.with());
