/** What clients tell Prometheus (component-base/metrics/prometheus: restclient, workqueue, clientgo/leaderelection). */
import {
  Counter,
  type CounterSeries,
  type Description,
  exponentialBounds,
  Gauge,
  type GaugeSeries,
  Histogram,
  type HistogramSeries,
  type Stability,
} from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

/** Of all clients and queues of a process. */
export class ClientMetrics {
  readonly #requests: Counter;
  readonly #requestSeconds: Histogram;
  readonly #requestBytes: Histogram;
  readonly #limiterSeconds: Histogram;
  readonly #leads: Gauge;
  readonly #depth: Gauge;
  readonly #adds: Counter;
  readonly #queueSeconds: Histogram;
  readonly #workSeconds: Histogram;
  readonly #retries: Counter;
  readonly #queues = new Map<string, QueueMetrics>();
  /** Since any fixed time. */
  readonly seconds: () => number;

  constructor(registry: MetricsRegistry, seconds: () => number = () => performance.now() / 1000) {
    this.seconds = seconds;
    const describe = (name: string, stability: Stability, help: string, ...labels: string[]): Description => ({
      name,
      stability,
      help,
      labels,
    });
    const counter = (...args: Parameters<typeof describe>) => registry.register(new Counter(describe(...args)));
    const gauge = (...args: Parameters<typeof describe>) => registry.register(new Gauge(describe(...args)));
    const histogram = (bounds: readonly number[], ...args: Parameters<typeof describe>) =>
      registry.register(new Histogram(describe(...args), bounds));
    const calls = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
    this.#requests = counter(
      'rest_client_requests_total',
      'ALPHA',
      'Calls, by what was answered.',
      'code',
      'host',
      'method',
    );
    this.#requestSeconds = histogram(
      calls,
      'rest_client_request_duration_seconds',
      'ALPHA',
      'How long calls took.',
      'host',
      'verb',
    );
    this.#requestBytes = histogram(
      [64, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216],
      'rest_client_request_size_bytes',
      'ALPHA',
      'Bytes of the bodies of calls.',
      'host',
      'verb',
    );
    this.#limiterSeconds = histogram(
      calls,
      'rest_client_rate_limiter_duration_seconds',
      'ALPHA',
      'How long calls waited since there were too many.',
      'host',
      'verb',
    );
    this.#leads = gauge('leader_election_master_status', 'ALPHA', 'Whether this candidate leads.', 'name');
    const spans = exponentialBounds(1e-8, 10, 10);
    this.#depth = gauge('workqueue_depth', 'BETA', 'Items that wait.', 'name');
    this.#adds = counter('workqueue_adds_total', 'BETA', 'Items that were added.', 'name');
    this.#queueSeconds = histogram(spans, 'workqueue_queue_duration_seconds', 'BETA', 'How long items waited.', 'name');
    this.#workSeconds = histogram(
      spans,
      'workqueue_work_duration_seconds',
      'BETA',
      'How long items were worked on.',
      'name',
    );
    this.#retries = counter('workqueue_retries_total', 'BETA', 'Items that were to come again later.', 'name');
    const following = (name: string, help: string, read: (queue: QueueMetrics) => number) =>
      registry.register(
        new Gauge(describe(name, 'BETA', help, 'name'), (family) => {
          for (const [queue, metrics] of this.#queues) family.with(queue).value = read(metrics);
        }),
      );
    following(
      'workqueue_unfinished_work_seconds',
      'For how long items are being worked on, together.',
      (queue) => queue.workingFor().sum,
    );
    following(
      'workqueue_longest_running_processor_seconds',
      'For how long the oldest item is being worked on.',
      (queue) => queue.workingFor().longest,
    );
  }

  /** @param code the status, or `<error>` where there was none; @param startedAt by {@link seconds} */
  called(host: string, method: string, code: string, startedAt: number): void {
    this.#requests.with(code, host, method).inc();
    this.#requestSeconds.with(host, method).observe(this.seconds() - startedAt);
  }

  /** A call is made. @param bytes of its body */
  sent(host: string, method: string, bytes: number): void {
    this.#requestBytes.with(host, method).observe(bytes);
  }

  waited(host: string, method: string, startedAt: number): void {
    this.#limiterSeconds.with(host, method).observe(this.seconds() - startedAt);
  }

  leads(lease: string, isLeader: boolean): void {
    this.#leads.with(lease).value = isLeader ? 1 : 0;
  }

  queue(name: string): QueueMetrics {
    const known = this.#queues.get(name);
    if (known) return known;
    const series = {
      depth: this.#depth.with(name),
      adds: this.#adds.with(name),
      waited: this.#queueSeconds.with(name),
      worked: this.#workSeconds.with(name),
      retries: this.#retries.with(name),
    };
    const queue = new QueueMetrics(series, this.seconds);
    this.#queues.set(name, queue);
    return queue;
  }
}

interface QueueSeries {
  readonly depth: GaugeSeries;
  readonly adds: CounterSeries;
  readonly waited: HistogramSeries;
  readonly worked: HistogramSeries;
  readonly retries: CounterSeries;
}

/** Of the queues of one name. */
export class QueueMetrics {
  readonly #series: QueueSeries;
  readonly #seconds: () => number;
  readonly #addedAt = new Map<unknown, number>();
  readonly #begunAt = new Map<unknown, number>();

  constructor(series: QueueSeries, seconds: () => number) {
    this.#series = series;
    this.#seconds = seconds;
  }

  added(item: unknown): void {
    this.#series.adds.inc();
    this.#series.depth.value++;
    if (!this.#addedAt.has(item)) this.#addedAt.set(item, this.#seconds());
  }

  begun(item: unknown): void {
    const now = this.#seconds();
    this.#series.depth.value--;
    this.#begunAt.set(item, now);
    const addedAt = this.#addedAt.get(item);
    if (addedAt === undefined) return;
    this.#series.waited.observe(now - addedAt);
    this.#addedAt.delete(item);
  }

  done(item: unknown): void {
    const begunAt = this.#begunAt.get(item);
    if (begunAt === undefined) return;
    this.#series.worked.observe(this.#seconds() - begunAt);
    this.#begunAt.delete(item);
  }

  retried(): void {
    this.#series.retries.inc();
  }

  workingFor(): { readonly sum: number; readonly longest: number } {
    const now = this.#seconds();
    let sum = 0;
    let longest = 0;
    for (const begunAt of this.#begunAt.values()) {
      sum += now - begunAt;
      longest = Math.max(longest, now - begunAt);
    }
    return { sum, longest };
  }
}
