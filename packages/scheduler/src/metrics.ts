/** What the scheduler tells Prometheus (pkg/scheduler/metrics/metrics.go). */
import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { Counter, Gauge, Histogram, type HistogramSeries } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Attempt, BatchObserver, Flush } from './cycle/batch.ts';
import type { AwaitedStatus } from './framework/plugin.ts';
import { COUNTERS, describe, HISTOGRAMS } from './metric-families.ts';
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
  readonly #counters: Readonly<Record<keyof typeof COUNTERS, Counter>>;
  readonly #histograms: Readonly<Record<keyof typeof HISTOGRAMS, Histogram>>;
  readonly #rejected: Gauge;
  readonly #bindings: Gauge;
  /** Seconds since some fixed time, finer than milliseconds. */
  readonly seconds: () => number;

  constructor(registry: MetricsRegistry, levels: Levels, seconds: () => number) {
    this.seconds = seconds;
    this.#counters = familiesOf(COUNTERS, (description) => registry.register(new Counter(description)));
    this.#histograms = familiesOf(HISTOGRAMS, ({ description, bounds }) =>
      registry.register(new Histogram(description, bounds)),
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
    this.#counters.incoming.with(queue, event).inc();
  }

  rejected(plugin: string, profile: string, change: 1 | -1): void {
    this.#rejected.with(plugin, profile).value += change;
  }

  attempted(result: AttemptResult, profile: string, startedAt: number): void {
    this.#counters.attempts.with(result, profile).inc();
    this.#histograms.attemptSeconds.with(result, profile).observe(this.seconds() - startedAt);
  }

  searched(startedAt: number): void {
    this.#histograms.algorithmSeconds.with().observe(this.seconds() - startedAt);
  }

  ran(extension: string, status: string, profile: string, startedAt: number): void {
    this.#histograms.extensionSeconds.with(extension, status, profile).observe(this.seconds() - startedAt);
  }

  batchAttempted(result: Attempt, profile: string): void {
    this.#counters.batchAttempts.with(profile, result).inc();
  }

  batchFlushed(reason: Flush, profile: string): void {
    this.#counters.batchFlushes.with(profile, reason).inc();
  }

  hintSought(found: boolean, profile: string, startedAt: number): void {
    this.#histograms.nodeHintSeconds.with(found ? 'hint' : 'no_hint', profile).observe(this.seconds() - startedAt);
  }

  rankingStored(profile: string, startedAt: number): void {
    this.#histograms.storeSeconds.with(profile).observe(this.seconds() - startedAt);
  }

  evaluated(plugin: string, extension: string, profile: string, times: number): void {
    if (times > 0) this.#counters.evaluations.with(plugin, extension, profile).inc(times);
  }

  executions(plugin: string, extension: string, status: string): HistogramSeries {
    return this.#histograms.pluginSeconds.with(plugin, extension, status);
  }

  hinted(plugin: string, event: string, hint: string, startedAt: number): void {
    this.#histograms.hintSeconds.with(plugin, event, hint).observe(this.seconds() - startedAt);
  }

  permitted(result: string, startedAt: number): void {
    this.#histograms.permitSeconds.with(result).observe(this.seconds() - startedAt);
  }

  /** @param waitedMs since the pod was first in the queue */
  scheduled(attempts: number, waitedMs: number, flushed: boolean): void {
    this.#histograms.tries.with().observe(attempts);
    this.#histograms.sliSeconds.with(attempts >= 15 ? '15+' : String(attempts)).observe(waitedMs / 1000);
    if (flushed) this.#counters.afterFlush.with().inc();
  }

  preempted(victims: number | undefined): void {
    if (victims === undefined) this.#counters.preemptions.with().inc();
    else this.#histograms.victims.with().observe(victims);
  }

  /** @returns to be told how it ended */
  evicting(): (succeeded: boolean) => void {
    const startedAt = this.seconds();
    return (succeeded) => {
      const result = succeeded ? 'success' : 'error';
      this.#counters.evictions.with(result).inc();
      this.#histograms.evictionSeconds.with(result).observe(this.seconds() - startedAt);
    };
  }

  claimCreated(succeeded: boolean): void {
    this.#counters.claims.with(succeeded ? 'success' : 'failure').inc();
  }

  /** @returns to be told how it ended */
  awaiting(profile: string): (claims: readonly ResourceClaim[], status: AwaitedStatus) => void {
    const startedAt = this.seconds();
    return (claims, status) => {
      for (const result of claims.flatMap((claim) => claim.status?.allocation?.devices.results ?? [])) {
        this.#histograms.awaitedSeconds.with(profile, result.driver, status).observe(this.seconds() - startedAt);
        if (result.bindingConditions?.length) this.#counters.awaited.with(profile, result.driver, status).inc();
      }
    };
  }

  binding(change: 1 | -1): void {
    this.#bindings.with('binding').value += change;
  }
}

function familiesOf<K extends string, D, F>(
  described: Readonly<Record<K, D>>,
  make: (description: D) => F,
): Record<K, F> {
  const entries = Object.entries(described) as [K, D][];
  return Object.fromEntries(entries.map(([name, description]) => [name, make(description)])) as Record<K, F>;
}
