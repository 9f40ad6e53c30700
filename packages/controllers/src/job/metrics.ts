/** What is counted of jobs (pkg/controller/job/metrics). */
import type { Job, JobCondition, JobStatus } from '@keelson/api/generated/types/batch/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { Counter, exponentialBounds, Histogram, type Stability } from '@keelson/component/metrics/families';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { isTerminal } from '../pods/state.ts';
import { Indexes } from './indexes.ts';
import { isIndexed, isTracked } from './pods.ts';

/** What a look at a job has come to. */
export type SyncAction = 'reconciling' | 'tracking' | 'pods_created' | 'pods_deleted';

export class JobMetrics {
  readonly #seconds: Histogram;
  readonly #syncs: Counter;
  readonly #finished: Counter;
  readonly #elsewhere: Counter;
  readonly #pods: Counter;
  readonly #policies: Counter;
  readonly #finalizers: Counter;
  readonly #indexes: Counter;
  readonly #creations: Counter;

  /** @param registry of the process; without it nobody reads them */
  constructor(registry = new MetricsRegistry()) {
    const about = (name: string, stability: Stability, help: string, ...labels: string[]) =>
      ({ name: `job_controller_${name}`, help, stability, labels }) as const;
    const counter = (...description: Parameters<typeof about>) => registry.register(new Counter(about(...description)));
    const sync = ['completion_mode', 'result', 'action'];
    this.#seconds = registry.register(
      new Histogram(
        about('job_sync_duration_seconds', 'STABLE', 'How long a look at a job took.', ...sync),
        exponentialBounds(0.004, 2, 15),
      ),
    );
    this.#syncs = counter('job_syncs_total', 'STABLE', 'Looks at jobs.', ...sync);
    this.#finished = counter(
      'jobs_finished_total',
      'STABLE',
      'Jobs that ended.',
      'completion_mode',
      'result',
      'reason',
    );
    this.#elsewhere = counter(
      'jobs_by_external_controller_total',
      'ALPHA',
      'Jobs that are left to other controllers.',
      'controller_name',
    );
    this.#pods = counter('job_pods_finished_total', 'STABLE', 'Pods that were counted.', 'completion_mode', 'result');
    this.#policies = counter(
      'pod_failures_handled_by_failure_policy_total',
      'BETA',
      'Failed pods of which a policy has decided.',
      'action',
    );
    this.#finalizers = counter(
      'terminated_pods_tracking_finalizer_total',
      'BETA',
      'Pods that ended with the finalizer of jobs, and that lost it then.',
      'event',
    );
    this.#indexes = counter('job_finished_indexes_total', 'ALPHA', 'Indexes that ended.', 'status', 'backoffLimit');
    this.#creations = counter('job_pods_creation_total', 'ALPHA', 'Pods that were made.', 'reason', 'status');
  }

  synced({ spec }: Job, succeeded: boolean, action: SyncAction, ms: number): void {
    const labels = [spec.completionMode ?? 'NonIndexed', succeeded ? 'success' : 'error', action] as const;
    this.#syncs.with(...labels).inc();
    this.#seconds.with(...labels).observe(ms / 1000);
  }

  finished({ spec }: Job, { type, reason = '' }: JobCondition): void {
    const result = type === 'Complete' ? 'succeeded' : 'failed';
    this.#finished.with(spec.completionMode ?? 'NonIndexed', result, reason).inc();
  }

  managedBy(controller: string): void {
    this.#elsewhere.with(controller).inc();
  }

  /** @param before the status from which it was written anew */
  counted(job: Job, before: JobStatus): void {
    const { spec, status } = job;
    const mode = spec.completionMode ?? 'NonIndexed';
    const limit = spec.backoffLimitPerIndex === undefined ? 'global' : 'perIndex';
    const grown = (name: 'completedIndexes' | 'failedIndexes') => {
      const size = (of: JobStatus) => Indexes.parse(of[name], spec.completions ?? 0).size;
      return Math.max(0, size(status) - size(before));
    };
    const grew = (name: 'succeeded' | 'failed') => Math.max(0, (status[name] ?? 0) - (before[name] ?? 0));
    const indexed = isIndexed(job);
    if (indexed) {
      this.#indexes.with('succeeded', limit).inc(grown('completedIndexes'));
      if (limit === 'perIndex') this.#indexes.with('failed', limit).inc(grown('failedIndexes'));
    }
    this.#pods.with(mode, 'succeeded').inc(indexed ? grown('completedIndexes') : grew('succeeded'));
    this.#pods.with(mode, 'failed').inc(grew('failed'));
  }

  /** @param actions of the rules that matched, one for each pod */
  judged(actions: readonly string[]): void {
    for (const action of actions) this.#policies.with(action).inc();
  }

  /** @param failed pods of the job @param terminating pods of the job */
  created(
    { spec }: Job,
    counts: { readonly failed: number; readonly terminating: number },
    made: number,
    not: number,
  ): void {
    const afterFailure = spec.podReplacementPolicy === 'Failed' && counts.failed > 0;
    const again = counts.failed > 0 || counts.terminating > 0;
    const reason = afterFailure ? 'recreate_failed' : again ? 'recreate_terminating_or_failed' : 'new';
    if (made > 0) this.#creations.with(reason, 'succeeded').inc(made);
    if (not > 0) this.#creations.with(reason, 'failed').inc(not);
  }

  podChanged(old: Pod | undefined, pod: Pod | undefined): void {
    const [was, is] = [old, pod].map((each) => each !== undefined && isTracked(each) && isTerminal(each));
    if (was !== is) this.#finalizers.with(is ? 'add' : 'delete').inc();
  }
}
