/** What a job has come to: counts, indexes, and whether it is to end. Pure (pkg/controller/job syncJob, first half). */
import type { Job, JobCondition } from '@keelson/api/generated/types/batch/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { formatTime, millisOf } from '@keelson/api/time';
import { isActive, isReady, isTerminating } from '../pods/state.ts';
import { type Failures, failuresAfter, finishedAt } from './backoff.ts';
import { newCondition, trueCondition } from './conditions.ts';
import { Indexes } from './indexes.ts';
import { allFailuresBefore, failuresBefore, hasFailed, indexOf, isIndexed, isSuspended, isTracked } from './pods.ts';
import { judgeFailure, matchSuccess } from './policy.ts';

export interface Given {
  readonly job: Job;
  /** All that it owns. */
  readonly pods: readonly Pod[];
  /** Uids of pods whose finalizer was taken away, which the copies may not show yet. */
  readonly released: ReadonlySet<string>;
  /** Before the pods that have come to their end since. */
  readonly failures: Failures;
  readonly now: number;
}

export interface Observation extends Given {
  /** The job as the server has it. */
  readonly stored: Job;
  /** With the start time, once it has started. */
  readonly job: Job;
  readonly active: readonly Pod[];
  readonly ready: number;
  readonly terminating: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly failures: Failures;
  /** Of indexed jobs, else none. */
  readonly succeededIndexes: Indexes;
  /** Where back-off is per index. */
  readonly failedIndexes: Indexes | undefined;
  /** Failed pods that are kept until their successors are created, which take over their counts. */
  readonly replaced: ReadonlyMap<number, Pod>;
  /** Why it is to end: FailureTarget, SuccessCriteriaMet, or Failed where FailureTarget was told already. */
  readonly ending: JobCondition | undefined;
  /** Milliseconds until its deadline, while it runs. */
  readonly deadlineMs: number | undefined;
}

export function observe({ job: given, pods, released, failures: before, now }: Given): Observation {
  const job = started(given, now);
  const active = pods.filter(isActive);
  const { succeeded: countedSucceeded = [], failed: countedFailed = [] } = job.status.uncountedTerminatedPods ?? {};
  const isNew = (pod: Pod, uncounted: readonly string[]) =>
    isTracked(pod) && !released.has(pod.metadata.uid!) && !uncounted.includes(pod.metadata.uid!) && isValid(pod, job);
  const newSucceeded = pods.filter((pod) => pod.status.phase === 'Succeeded' && isNew(pod, countedSucceeded));
  const newFailed = pods.filter((pod) => hasFailed(pod, job) && isNew(pod, countedFailed));
  const counting = newFailed.filter((pod) => judgeFailure(job.spec.podFailurePolicy, pod).counts);
  const observed = {
    stored: given,
    job,
    pods,
    released,
    now,
    active,
    ready: active.filter(isReady).length,
    terminating: pods.filter(isTerminating).length,
    succeeded: (job.status.succeeded ?? 0) + newSucceeded.length + countedSucceeded.length,
    failed: (job.status.failed ?? 0) + counting.length + countedFailed.length,
    failures: failuresAfter(before, newSucceeded, newFailed),
    succeededIndexes: Indexes.none,
    failedIndexes: undefined,
    replaced: new Map<number, Pod>(),
  };
  const deadlineMs = untilDeadline(job, now);
  const ending = endingOfJob(observed, deadlineMs);
  if (!isIndexed(job)) return { ...observed, deadlineMs: ending ? undefined : deadlineMs, ending };
  const indexes = observeIndexes(job, pods);
  const replaced = indexes.failedIndexes ? toReplace(job, pods, active, released, indexes) : observed.replaced;
  const indexed = { ...observed, ...indexes, replaced, succeeded: indexes.succeededIndexes.size };
  const later = ending ?? endingOfIndexes(job, indexes, now);
  return { ...indexed, deadlineMs: ending ? undefined : deadlineMs, ending: later };
}

function started(job: Job, now: number): Job {
  if (job.status.startTime || isSuspended(job)) return job;
  return { ...job, status: { ...job.status, startTime: formatTime(new Date(now)) } };
}

/** Pods of an indexed job have an index that it has. */
function isValid(pod: Pod, job: Job): boolean {
  if (!isIndexed(job)) return true;
  const index = indexOf(pod);
  return index !== undefined && index < job.spec.completions!;
}

function untilDeadline({ spec, status }: Job, now: number): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || !status.startTime || spec.suspend) return undefined;
  return millisOf(status.startTime) + spec.activeDeadlineSeconds * 1000 - now;
}

function endingOfJob(
  { job, pods, failed, now }: Pick<Observation, 'job' | 'pods' | 'failed' | 'now'>,
  deadlineMs: number | undefined,
): JobCondition | undefined {
  const met = trueCondition(job, 'SuccessCriteriaMet');
  if (met) return met;
  const target = trueCondition(job, 'FailureTarget');
  if (target) return newCondition('Failed', 'True', target.reason ?? '', target.message ?? '', now);
  const failing = (reason: string, message: string) => newCondition('FailureTarget', 'True', reason, message, now);
  for (const pod of job.spec.podFailurePolicy ? pods : []) {
    const { jobFailure } = hasFailed(pod, job) ? judgeFailure(job.spec.podFailurePolicy, pod) : {};
    if (jobFailure !== undefined) return failing('PodFailurePolicy', jobFailure);
  }
  if (failed > job.spec.backoffLimit! || restartedTooOften(job, pods)) {
    return failing('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  if (deadlineMs !== undefined && deadlineMs <= 0) {
    return failing('DeadlineExceeded', 'Job was active longer than specified deadline');
  }
  return undefined;
}

/** Where containers are restarted in place, their restarts count. */
function restartedTooOften({ spec }: Job, pods: readonly Pod[]): boolean {
  if (spec.template.spec.restartPolicy !== 'OnFailure') return false;
  let restarts = 0;
  for (const { status } of pods) {
    if (status.phase !== 'Running' && status.phase !== 'Pending') continue;
    const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    for (const { restartCount } of statuses) restarts += restartCount;
  }
  return restarts >= Math.max(1, spec.backoffLimit!);
}

type ObservedIndexes = Pick<Observation, 'succeededIndexes' | 'failedIndexes'>;

function observeIndexes(job: Job, pods: readonly Pod[]): ObservedIndexes {
  const { spec, status } = job;
  const completions = spec.completions!;
  const tracked = pods.filter((pod) => isTracked(pod) && isValid(pod, job));
  const succeeded = tracked.filter((pod) => pod.status.phase === 'Succeeded').map((pod) => indexOf(pod)!);
  const succeededIndexes = Indexes.parse(status.completedIndexes, completions).with(succeeded);
  if (spec.backoffLimitPerIndex === undefined) return { succeededIndexes, failedIndexes: undefined };
  const failed = tracked.filter((pod) => endsIndex(pod, job)).map((pod) => indexOf(pod)!);
  return { succeededIndexes, failedIndexes: Indexes.parse(status.failedIndexes, completions).with(failed) };
}

/** Whether the failure is its index's last. */
function endsIndex(pod: Pod, job: Job): boolean {
  if (!hasFailed(pod, job)) return false;
  const { action, counts } = judgeFailure(job.spec.podFailurePolicy, pod);
  return action === 'FailIndex' || (counts && failuresBefore(pod) >= job.spec.backoffLimitPerIndex!);
}

function endingOfIndexes({ spec }: Job, indexes: ObservedIndexes, now: number): JobCondition | undefined {
  const { succeededIndexes, failedIndexes } = indexes;
  const failing = (reason: string, message: string) => newCondition('FailureTarget', 'True', reason, message, now);
  const failed = failedIndexes?.size ?? 0;
  if (spec.maxFailedIndexes !== undefined && failed > spec.maxFailedIndexes) {
    const message = 'Job has exceeded the specified maximal number of failed indexes';
    return failing('MaxFailedIndexesExceeded', message);
  }
  if (failed > 0 && failed + succeededIndexes.size >= spec.completions!) {
    return failing('FailedIndexes', 'Job has failed indexes');
  }
  const message = matchSuccess(spec.successPolicy, spec.completions!, succeededIndexes);
  return message === undefined ? undefined : newCondition('SuccessCriteriaMet', 'True', 'SuccessPolicy', message, now);
}

/** Of each index that is to run again, the pod that failed last. */
function toReplace(
  job: Job,
  pods: readonly Pod[],
  active: readonly Pod[],
  released: ReadonlySet<string>,
  { succeededIndexes, failedIndexes }: ObservedIndexes,
): Map<number, Pod> {
  const running = new Set(active.map(indexOf));
  const found = new Map<number, Pod>();
  for (const pod of pods) {
    if (!isTracked(pod) || released.has(pod.metadata.uid!) || !isValid(pod, job) || !hasFailed(pod, job)) continue;
    const index = indexOf(pod)!;
    if (succeededIndexes.has(index) || failedIndexes?.has(index) || running.has(index)) continue;
    const other = found.get(index);
    const later =
      !other || (allFailuresBefore(other) <= allFailuresBefore(pod) && finishedAt(pod) >= finishedAt(other));
    if (later) found.set(index, pod);
  }
  return found;
}
