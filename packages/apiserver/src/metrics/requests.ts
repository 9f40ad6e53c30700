/**
 * Counters and durations of requests. The series of a request's labels are looked up once for each combination and kept
 * together: counting a request is one lookup by a short key.
 */
import {
  Counter,
  type CounterSeries,
  exponentialBounds,
  Gauge,
  type GaugeSeries,
  Histogram,
  type HistogramSeries,
} from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { RequestLabels } from './labels.ts';

const LABELS = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'] as const;
const DURATION_BOUNDS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
/** Indicators of service levels start where those of durations are still fine. */
const SLI_BOUNDS = DURATION_BOUNDS.slice(2);

/** A request that is being served. */
export interface Observation {
  /** To be called once. @param code of the answer @param bytes of its body */
  end(code: number, bytes: number): void;
}

interface Series {
  readonly duration: HistogramSeries;
  readonly total: CounterSeries[];
  readonly sli: HistogramSeries | undefined;
  readonly size: HistogramSeries | undefined;
  readonly running: GaugeSeries | undefined;
}

export class RequestMetrics {
  readonly #total: Counter;
  readonly #durations: Histogram;
  readonly #slis: Histogram;
  readonly #sizes: Histogram;
  readonly #longRunning: Gauge;
  readonly #terminations: Counter;
  readonly #deprecated: Gauge;
  readonly #now: () => number;
  readonly #series = new Map<string, Series>();

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(registry: MetricsRegistry, now: () => number) {
    this.#now = now;
    this.#total = registry.register(
      new Counter({
        name: 'apiserver_request_total',
        help: 'Requests that were answered.',
        stability: 'STABLE',
        labels: [...LABELS, 'dry_run', 'code'],
      }),
    );
    this.#durations = registry.register(
      new Histogram(
        {
          name: 'apiserver_request_duration_seconds',
          help: 'How long requests took.',
          stability: 'STABLE',
          labels: [...LABELS, 'dry_run'],
        },
        DURATION_BOUNDS,
      ),
    );
    this.#slis = registry.register(
      new Histogram(
        {
          name: 'apiserver_request_sli_duration_seconds',
          help: 'How long requests took that were no dry runs, without the time of webhooks.',
          stability: 'ALPHA',
          labels: LABELS,
        },
        SLI_BOUNDS,
      ),
    );
    this.#sizes = registry.register(
      new Histogram(
        {
          name: 'apiserver_response_sizes',
          help: 'Bytes of the answers to reads.',
          stability: 'STABLE',
          labels: LABELS,
        },
        exponentialBounds(1000, 10, 7),
      ),
    );
    this.#deprecated = registry.register(
      new Gauge({
        name: 'apiserver_requested_deprecated_apis',
        help: 'APIs on their way out that were asked for.',
        stability: 'STABLE',
        labels: ['group', 'version', 'resource', 'subresource', 'removed_release'],
      }),
    );
    this.#terminations = registry.register(
      new Counter({
        name: 'apiserver_request_terminations_total',
        help: 'Requests that the server refused to go on with, to protect itself.',
        stability: 'ALPHA',
        labels: [...LABELS, 'code'],
      }),
    );
    this.#longRunning = registry.register(
      new Gauge({
        name: 'apiserver_longrunning_requests',
        help: 'Watches and other long requests that are being served.',
        stability: 'STABLE',
        labels: LABELS,
      }),
    );
  }

  /** Notes that somebody asks for what is on its way out. @param removed the release that no longer has it, or '' */
  deprecated({ group, version, resource, subresource }: RequestLabels, removed: string): void {
    this.#deprecated.with(group, version, resource, subresource, removed).value = 1;
  }

  /** Counts a request that is answered with 429 before it gets to a handler. */
  dropped(labels: RequestLabels, dryRun: string): void {
    const values = valuesOf(labels, 'apiserver');
    this.#total.with(...values, dryRun, '429').inc();
    this.#terminations.with(...values, '429').inc();
  }

  /** @param component `apiserver`, or '' for paths that every component has, such as /healthz */
  start(labels: RequestLabels, dryRun: string, component = 'apiserver'): Observation {
    const series = this.#of(labels, dryRun, component);
    const startedAt = this.#now();
    if (series.running) series.running.value++;
    return {
      end: (code, bytes) => {
        const seconds = (this.#now() - startedAt) / 1000;
        if (series.running) series.running.value--;
        this.#totalOf(series, labels, dryRun, component, code).inc();
        series.duration.observe(seconds);
        series.sli?.observe(seconds);
        series.size?.observe(bytes);
      },
    };
  }

  #of(labels: RequestLabels, dryRun: string, component: string): Series {
    const { verb, group, version, resource, subresource, scope } = labels;
    const key = `${verb} ${group}/${version}/${resource}/${subresource} ${scope} ${dryRun} ${component}`;
    const known = this.#series.get(key);
    if (known) return known;
    const values = valuesOf(labels, component);
    const isLong = verb === 'WATCH' || verb === 'CONNECT';
    const series: Series = {
      duration: this.#durations.with(...values, dryRun),
      total: [],
      sli: dryRun === '' ? this.#slis.with(...values) : undefined,
      size: verb === 'GET' || verb === 'LIST' ? this.#sizes.with(...values) : undefined,
      running: isLong ? this.#longRunning.with(...values) : undefined,
    };
    this.#series.set(key, series);
    return series;
  }

  #totalOf(series: Series, labels: RequestLabels, dryRun: string, component: string, code: number): CounterSeries {
    series.total[code] ??= this.#total.with(...valuesOf(labels, component), dryRun, String(code));
    return series.total[code];
  }
}

function valuesOf({ verb, group, version, resource, subresource, scope }: RequestLabels, component: string): string[] {
  return [verb, group, version, resource, subresource, scope, component];
}
