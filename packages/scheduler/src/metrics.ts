/** What the scheduler tells Prometheus (pkg/scheduler/metrics/metrics.go). */
import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import {
  Counter,
  type Description,
  exponentialBounds,
  Gauge,
  Histogram,
  type HistogramSeries,
  type Stability,
} from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Attempt, BatchObserver, Flush } from './cycle/batch.ts';
import type { AwaitedStatus } from './framework/plugin.ts';
import type { QueueObserver } from './queue/observer.ts';

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

/** Read when somebody asks for metrics. */
export interface Levels {
  pending(): Readonly<Record<'active' | 'backoff' | 'unschedulable' | 'gated', number>>;
  cached(): Readonly<Record<'nodes' | 'pods' | 'assumed_pods', number>>;
  /** By event. */
  inFlight(): ReadonlyMap<string, number>;
}

export class SchedulerMetrics implements QueueObserver, BatchObserver {
  readonly #attempts: Counter;
  readonly #attemptSeconds: Histogram;
  readonly #algorithmSeconds: Histogram;
  readonly #sliSeconds: Histogram;
  readonly #tries: Histogram;
  readonly #victims: Histogram;
  readonly #preemptions: Counter;
  readonly #incoming: Counter;
  readonly #rejected: Gauge;
  readonly #extensionSeconds: Histogram;
  readonly #afterFlush: Counter;
  readonly #bindings: Gauge;
  readonly #evaluations: Counter;
  readonly #pluginSeconds: Histogram;
  readonly #hintSeconds: Histogram;
  readonly #permitSeconds: Histogram;
  readonly #evictions: Counter;
  readonly #evictionSeconds: Histogram;
  readonly #claims: Counter;
  readonly #awaited: Counter;
  readonly #awaitedSeconds: Histogram;
  readonly #batchAttempts: Counter;
  readonly #batchFlushes: Counter;
  readonly #nodeHintSeconds: Histogram;
  readonly #storeSeconds: Histogram;
  /** Seconds since some fixed time, finer than milliseconds. */
  readonly seconds: () => number;

  constructor(registry: MetricsRegistry, levels: Levels, seconds: () => number) {
    this.seconds = seconds;
    const describe = (name: string, help: string, stability: Stability, ...labels: string[]): Description => ({
      name: `scheduler_${name}`,
      help,
      stability,
      labels,
    });
    const counter = (...args: Parameters<typeof describe>) => registry.register(new Counter(describe(...args)));
    const histogram = (bounds: readonly number[], ...args: Parameters<typeof describe>) =>
      registry.register(new Histogram(describe(...args), bounds));
    const millis = exponentialBounds(0.001, 2, 15);

    this.#batchAttempts = counter(
      'batch_attempts_total',
      'Pods by whether they went on with the ranking of nodes of a pod like them.',
      'ALPHA',
      'profile',
      'result',
    );
    this.#batchFlushes = counter(
      'batch_cache_flushed_total',
      'Rankings of nodes that were not gone on with, by reason.',
      'ALPHA',
      'profile',
      'reason',
    );
    this.#nodeHintSeconds = histogram(
      exponentialBounds(0.00001, 2, 12),
      'get_node_hint_duration_seconds',
      'How long a hint of a node was looked for.',
      'ALPHA',
      'hinted',
      'profile',
    );
    this.#storeSeconds = histogram(
      exponentialBounds(0.00001, 2, 12),
      'store_schedule_results_duration_seconds',
      'How long it took to put a ranking of nodes away.',
      'ALPHA',
      'profile',
    );
    this.#attempts = counter(
      'schedule_attempts_total',
      'Attempts to schedule pods, by result.',
      'STABLE',
      'result',
      'profile',
    );
    this.#attemptSeconds = histogram(
      millis,
      'scheduling_attempt_duration_seconds',
      'How long attempts took, binding included.',
      'STABLE',
      'result',
      'profile',
    );
    this.#algorithmSeconds = histogram(
      millis,
      'scheduling_algorithm_duration_seconds',
      'How long it took to find a node.',
      'ALPHA',
    );
    this.#sliSeconds = histogram(
      exponentialBounds(0.01, 2, 20),
      'pod_scheduling_sli_duration_seconds',
      'From when a pod was first in the queue until it was bound, all attempts included.',
      'BETA',
      'attempts',
    );
    this.#tries = histogram(
      exponentialBounds(1, 2, 5),
      'pod_scheduling_attempts',
      'Attempts that pods took that were scheduled.',
      'STABLE',
    );
    this.#victims = histogram(
      exponentialBounds(1, 2, 7),
      'preemption_victims',
      'Pods chosen to make room for another.',
      'STABLE',
    );
    this.#preemptions = counter('preemption_attempts_total', 'Attempts to make room for pods.', 'STABLE');
    this.#incoming = counter(
      'queue_incoming_pods_total',
      'Pods that got into a queue, by event.',
      'STABLE',
      'queue',
      'event',
    );
    this.#afterFlush = counter(
      'pod_scheduled_after_flush_total',
      'Pods scheduled although nothing was known to have helped them.',
      'ALPHA',
    );
    this.#extensionSeconds = histogram(
      exponentialBounds(0.0001, 2, 12),
      'framework_extension_point_duration_seconds',
      'How long all plugins took in one place of a cycle.',
      'STABLE',
      'extension_point',
      'status',
      'profile',
    );
    this.#evaluations = counter(
      'plugin_evaluation_total',
      'How often plugins were asked.',
      'BETA',
      'plugin',
      'extension_point',
      'profile',
    );
    const micros = exponentialBounds(0.00001, 1.5, 20);
    this.#pluginSeconds = histogram(
      micros,
      'plugin_execution_duration_seconds',
      'How long single plugins took; of one in a hundred pods.',
      'ALPHA',
      'plugin',
      'extension_point',
      'status',
    );
    this.#hintSeconds = histogram(
      micros,
      'queueing_hint_execution_duration_seconds',
      'How long plugins took to say whether an event helps a pod.',
      'ALPHA',
      'plugin',
      'event',
      'hint',
    );
    this.#permitSeconds = histogram(
      millis,
      'permit_wait_duration_seconds',
      'How long pods waited for leave to be bound.',
      'BETA',
      'result',
    );
    this.#evictions = counter(
      'preemption_goroutines_execution_total',
      'How often victims were taken away, by how that ended.',
      'ALPHA',
      'result',
    );
    this.#evictionSeconds = histogram(
      exponentialBounds(0.01, 2, 20),
      'preemption_goroutines_duration_seconds',
      'How long it took to take victims away.',
      'ALPHA',
      'result',
    );
    this.#claims = counter('resourceclaim_creates_total', 'Claims made for extended resources.', 'ALPHA', 'status');
    this.#awaited = counter(
      'dra_bindingconditions_allocations_total',
      'Devices that had to be prepared, by attempt.',
      'ALPHA',
      'profile',
      'driver',
      'status',
    );
    this.#awaitedSeconds = histogram(
      exponentialBounds(0.1, 2, 14),
      'dra_bindingconditions_wait_duration_seconds',
      'How long devices that had to be prepared were waited for.',
      'ALPHA',
      'profile',
      'driver',
      'status',
    );
    registry.register(
      new Gauge(
        describe('inflight_events', 'Events that are remembered for pods in flight.', 'ALPHA', 'event'),
        (gauge) => {
          gauge.clear();
          for (const [event, count] of levels.inFlight()) gauge.with(event).value = count;
        },
      ),
    );
    this.#rejected = registry.register(
      new Gauge(
        describe(
          'unschedulable_pods',
          'Pods that wait because of a plugin; one pod counts for each.',
          'BETA',
          'plugin',
          'profile',
        ),
      ),
    );
    this.#bindings = registry.register(
      new Gauge(describe('goroutines', 'What is under way beside the scheduling cycle.', 'BETA', 'operation')),
    );
    registry.register(
      new Gauge(describe('pending_pods', 'Pods without a node, by queue.', 'STABLE', 'queue'), (gauge) => {
        for (const [queue, count] of Object.entries(levels.pending())) gauge.with(queue).value = count;
      }),
    );
    registry.register(
      new Gauge(describe('cache_size', 'Nodes and pods with nodes that are known.', 'ALPHA', 'type'), (gauge) => {
        for (const [type, count] of Object.entries(levels.cached())) gauge.with(type).value = count;
      }),
    );
  }

  incoming(queue: string, event: string): void {
    this.#incoming.with(queue, event).inc();
  }

  rejected(plugin: string, profile: string, change: 1 | -1): void {
    this.#rejected.with(plugin, profile).value += change;
  }

  attempted(result: AttemptResult, profile: string, startedAt: number): void {
    this.#attempts.with(result, profile).inc();
    this.#attemptSeconds.with(result, profile).observe(this.seconds() - startedAt);
  }

  searched(startedAt: number): void {
    this.#algorithmSeconds.with().observe(this.seconds() - startedAt);
  }

  ran(extension: string, status: string, profile: string, startedAt: number): void {
    this.#extensionSeconds.with(extension, status, profile).observe(this.seconds() - startedAt);
  }

  batchAttempted(result: Attempt, profile: string): void {
    this.#batchAttempts.with(profile, result).inc();
  }

  batchFlushed(reason: Flush, profile: string): void {
    this.#batchFlushes.with(profile, reason).inc();
  }

  hintSought(found: boolean, profile: string, startedAt: number): void {
    this.#nodeHintSeconds.with(found ? 'hint' : 'no_hint', profile).observe(this.seconds() - startedAt);
  }

  rankingStored(profile: string, startedAt: number): void {
    this.#storeSeconds.with(profile).observe(this.seconds() - startedAt);
  }

  evaluated(plugin: string, extension: string, profile: string, times: number): void {
    if (times > 0) this.#evaluations.with(plugin, extension, profile).inc(times);
  }

  executions(plugin: string, extension: string, status: string): HistogramSeries {
    return this.#pluginSeconds.with(plugin, extension, status);
  }

  hinted(plugin: string, event: string, hint: string, startedAt: number): void {
    this.#hintSeconds.with(plugin, event, hint).observe(this.seconds() - startedAt);
  }

  permitted(result: string, startedAt: number): void {
    this.#permitSeconds.with(result).observe(this.seconds() - startedAt);
  }

  /** @param waitedMs since the pod was first in the queue */
  scheduled(attempts: number, waitedMs: number, flushed: boolean): void {
    this.#tries.with().observe(attempts);
    this.#sliSeconds.with(attempts >= 15 ? '15+' : String(attempts)).observe(waitedMs / 1000);
    if (flushed) this.#afterFlush.with().inc();
  }

  preempted(victims: number | undefined): void {
    if (victims === undefined) this.#preemptions.with().inc();
    else this.#victims.with().observe(victims);
  }

  /** @returns to be told how it ended */
  evicting(): (succeeded: boolean) => void {
    const startedAt = this.seconds();
    return (succeeded) => {
      const result = succeeded ? 'success' : 'error';
      this.#evictions.with(result).inc();
      this.#evictionSeconds.with(result).observe(this.seconds() - startedAt);
    };
  }

  claimCreated(succeeded: boolean): void {
    this.#claims.with(succeeded ? 'success' : 'failure').inc();
  }

  /** @returns to be told how it ended */
  awaiting(profile: string): (claims: readonly ResourceClaim[], status: AwaitedStatus) => void {
    const startedAt = this.seconds();
    return (claims, status) => {
      for (const result of claims.flatMap((claim) => claim.status?.allocation?.devices.results ?? [])) {
        this.#awaitedSeconds.with(profile, result.driver, status).observe(this.seconds() - startedAt);
        if (result.bindingConditions?.length) this.#awaited.with(profile, result.driver, status).inc();
      }
    };
  }

  binding(change: 1 | -1): void {
    this.#bindings.with('binding').value += change;
  }
}
