/**
 * How pods that came to their end are counted exactly once, though status and pods are written one after the other: pure
 * (pkg/controller/job trackJobStatusAndRemoveFinalizers).
 *
 *     pod ends ─▶ its uid into uncountedTerminatedPods ─▶ its finalizer goes ─▶ uid goes, counter grows
 *                 (first write of the status)              (write of the pod)     (second write of the status)
 */
import type { JobCondition, JobStatus, UncountedTerminatedPods } from '@keelson/api/generated/types/batch/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { ensureCondition, newCondition } from './conditions.ts';
import { Indexes } from './indexes.ts';
import type { Observation } from './observe.ts';
import { hasFailed, indexOf, isIndexed, isTracked } from './pods.ts';
import { judgeFailure } from './policy.ts';

/** So many uids at most stand in a status. */
const MAX_UNCOUNTED = 500;

export interface Tracking {
  /** To be written first. */
  readonly status: JobStatus;
  /** Pods that lose their finalizer then. */
  readonly release: readonly Pod[];
  /** Uids of pods that have their finalizer before that. */
  readonly tracked: ReadonlySet<string>;
  /** Actions of the rules that matched failed pods. */
  readonly judged: readonly string[];
  /** How the job ends when all is counted; undefined while it goes on, or where there was too much to count at once. */
  readonly finished: JobCondition | undefined;
}

/**
 * @param status with the counts of active, ready and terminating pods
 * @param ending why the job is to end now
 */
export function track(observed: Observation, status: JobStatus, ending: JobCondition | undefined): Tracking {
  const { job, pods, released, now } = observed;
  const withFinalizer = pods.filter((pod) => isTracked(pod) && !released.has(pod.metadata.uid!));
  const tracked = new Set(withFinalizer.map(({ metadata }) => metadata.uid!));
  const counted = withoutReleased(status, tracked);
  const uncounted = {
    succeeded: [...(counted.uncountedTerminatedPods?.succeeded ?? [])],
    failed: [...(counted.uncountedTerminatedPods?.failed ?? [])],
  };
  const known = new Set([...uncounted.succeeded, ...uncounted.failed]);
  const newIndexes: number[] = [];
  const release: Pod[] = [];
  const judged: string[] = [];
  const before = Indexes.parse(job.status.completedIndexes, job.spec.completions ?? 0);
  let full = false;
  for (const pod of isIndexed(job) ? withFinalizer.sort(byIndex) : withFinalizer) {
    if (!mayRelease(pod, observed, ending)) continue;
    release.push(pod);
    const uid = pod.metadata.uid!;
    const index = validIndex(pod, observed);
    const counts = !isIndexed(job) || index !== undefined;
    if (pod.status.phase === 'Succeeded' && !uncounted.failed.includes(uid)) {
      if (index !== undefined && !before.has(index)) newIndexes.push(index);
      else if (!isIndexed(job) && !known.has(uid)) uncounted.succeeded.push(uid);
    } else if (counts && !known.has(uid) && (hasFailed(pod, job) || isFailure(ending))) {
      const { action, counts: isCounted } = judgeFailure(job.spec.podFailurePolicy, pod);
      if (action !== undefined) judged.push(action);
      if (isCounted) uncounted.failed.push(uid);
    }
    full = newIndexes.length + uncounted.succeeded.length + uncounted.failed.length >= MAX_UNCOUNTED;
    if (full) break;
  }
  const indexed = isIndexed(job) ? indexCounts(observed, newIndexes) : {};
  const told = ending ? tellEnding(counted.conditions ?? [], ending, now) : undefined;
  const conditions = told?.conditions ?? counted.conditions;
  return {
    status: {
      ...counted,
      ...indexed,
      uncountedTerminatedPods: trimmed(uncounted),
      ...(conditions ? { conditions: [...conditions] } : {}),
    },
    release,
    tracked,
    judged,
    finished: full ? undefined : told?.finished,
  };
}

/** The status when pods have lost their finalizers: their uids go, the counters grow. */
export function withoutReleased(status: JobStatus, tracked: ReadonlySet<string>): JobStatus {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const left = {
    succeeded: succeeded.filter((uid) => tracked.has(uid)),
    failed: failed.filter((uid) => tracked.has(uid)),
  };
  return {
    ...status,
    succeeded: (status.succeeded ?? 0) + succeeded.length - left.succeeded.length,
    failed: (status.failed ?? 0) + failed.length - left.failed.length,
    uncountedTerminatedPods: trimmed(left),
  };
}

/** The status with the job's end, if everything is counted and no pod is left; else undefined. */
export function withEnd(status: JobStatus, finished: JobCondition | undefined): JobStatus | undefined {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  if (!finished || succeeded.length + failed.length > 0 || (status.terminating ?? 0) > 0) return undefined;
  const conditions = [...ensureCondition(status.conditions ?? [], finished)];
  const completionTime = finished.type === 'Complete' ? { completionTime: finished.lastTransitionTime! } : {};
  return { ...status, ...completionTime, conditions };
}

function trimmed({ succeeded = [], failed = [] }: UncountedTerminatedPods): UncountedTerminatedPods {
  return { ...(succeeded.length > 0 ? { succeeded } : {}), ...(failed.length > 0 ? { failed } : {}) };
}

const isFailure = (ending: JobCondition | undefined) => ending !== undefined && ending.type !== 'SuccessCriteriaMet';
const byIndex = (a: Pod, b: Pod) => (indexOf(a) ?? -1) - (indexOf(b) ?? -1);

function validIndex(pod: Pod, { job }: Observation): number | undefined {
  const index = isIndexed(job) ? indexOf(pod) : undefined;
  return index !== undefined && index < job.spec.completions! ? index : undefined;
}

/** A failed pod that is to be replaced keeps its finalizer until its successor has its counts. */
function mayRelease(pod: Pod, { job, replaced }: Observation, ending: JobCondition | undefined): boolean {
  if (job.metadata.deletionTimestamp || ending || pod.status.phase === 'Succeeded') return true;
  if (!hasFailed(pod, job)) return false;
  const index = indexOf(pod);
  return index === undefined || replaced.get(index)?.metadata.uid !== pod.metadata.uid;
}

function indexCounts({ succeededIndexes, failedIndexes }: Observation, more: readonly number[]): Partial<JobStatus> {
  const indexes = succeededIndexes.with(more);
  return {
    succeeded: indexes.size,
    completedIndexes: indexes.toString(),
    ...(failedIndexes ? { failedIndexes: failedIndexes.toString() } : {}),
  };
}

/** What is told at once, and what is told when the last pod is gone. */
function tellEnding(
  conditions: readonly JobCondition[],
  ending: JobCondition,
  now: number,
): { conditions: readonly JobCondition[]; finished: JobCondition } {
  const { type, reason = '', message = '' } = ending;
  const told = conditions.some((condition) => condition.type === type && condition.status === 'True');
  const end = type === 'SuccessCriteriaMet' ? 'Complete' : 'Failed';
  if (type === 'Failed') return { conditions, finished: ending };
  return {
    conditions: told ? conditions : [...conditions, ending],
    finished: newCondition(end, 'True', reason, message, now),
  };
}
