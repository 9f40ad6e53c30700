/** Which pods a job that goes on creates or deletes now: pure (pkg/controller/job manageJob). */
import type { Job } from '@keelson/api/generated/types/batch/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { byDeletionOrder } from '../pods/ranking.ts';
import { isTerminating } from '../pods/state.ts';
import { remainingMs, remainingOfIndexMs } from './backoff.ts';
import type { Observation } from './observe.ts';
import { indexOf, isIndexed, isSuspended, replacesOnlyFailed } from './pods.ts';

/** So many pods are created or deleted at once. */
const BURST = 500;

export type Plan =
  | { readonly action: 'none' }
  | { readonly action: 'delete'; readonly pods: readonly Pod[] }
  /** Failed pods are replaced later. */
  | { readonly action: 'wait'; readonly ms: number }
  /** One pod for each; undefined for a pod without an index. */
  | { readonly action: 'create'; readonly indexes: readonly (number | undefined)[] };

/** @param heedsCost whether pods may say how dear they are */
export function plan(observed: Observation, heedsCost: boolean): Plan {
  const { job, active, terminating, now } = observed;
  if (isSuspended(job)) return deleting(active);
  const wanted = wantedActive(observed);
  const order = (pods: readonly Pod[]) => byDeletionOrder(pods, [], now, heedsCost);
  const surplus = toRemove(job, active, Math.max(0, active.length - wanted), order);
  if (surplus.length > 0) return deleting(surplus.slice(0, BURST));
  const leaving = replacesOnlyFailed(job) ? terminating : 0;
  const missing = Math.min(wanted - leaving - active.length, BURST);
  if (missing <= 0) return { action: 'none' };
  const perIndex = job.spec.backoffLimitPerIndex !== undefined;
  const ms = perIndex ? 0 : remainingMs(observed.failures, now);
  if (ms > 0) return { action: 'wait', ms };
  if (!isIndexed(job)) return { action: 'create', indexes: Array.from({ length: missing }) };
  const indexes = pendingIndexes(observed, missing);
  return perIndex ? withBackoff(observed, indexes) : creating(indexes);
}

const deleting = (pods: readonly Pod[]): Plan => (pods.length > 0 ? { action: 'delete', pods } : { action: 'none' });
const creating = (indexes: readonly number[]): Plan =>
  indexes.length > 0 ? { action: 'create', indexes } : { action: 'none' };

/** How many pods are to run. A job without a number of completions starts none once one has succeeded. */
function wantedActive({ job, active, succeeded }: Observation): number {
  const { completions, parallelism = 0 } = job.spec;
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(completions - succeeded, parallelism));
}

type Order = (pods: readonly Pod[]) => Pod[];

/** Those of no valid index and all but one of each index go in any case. */
function toRemove(job: Job, active: readonly Pod[], atLeast: number, order: Order): Pod[] {
  if (!isIndexed(job)) return order(active).slice(0, atLeast);
  const byIndex = Map.groupBy(active, (pod) => {
    const index = indexOf(pod);
    return index !== undefined && index < job.spec.completions! ? index : undefined;
  });
  const remove = [...(byIndex.get(undefined) ?? [])];
  const left: Pod[] = [];
  for (const [index, pods] of byIndex) {
    if (index === undefined) continue;
    const ordered = order(pods);
    remove.push(...ordered.slice(0, -1));
    left.push(ordered.at(-1)!);
  }
  return [...remove, ...order(left).slice(0, Math.max(0, atLeast - remove.length))];
}

function pendingIndexes({ job, pods, active, succeededIndexes, failedIndexes }: Observation, count: number): number[] {
  const leaving = replacesOnlyFailed(job) ? pods.filter(isTerminating) : [];
  const busy = [...active, ...leaving].map(indexOf).filter((index) => index !== undefined);
  const taken = succeededIndexes.with(busy);
  return (failedIndexes ? taken.union(failedIndexes) : taken).gaps(count, job.spec.completions!);
}

/** Indexes whose time has come, or the time until the first of them. */
function withBackoff({ replaced, now }: Observation, indexes: readonly number[]): Plan {
  const waits = indexes.map((index) => remainingOfIndexMs(replaced.get(index), now));
  const due = indexes.filter((_, i) => waits[i] === 0);
  if (due.length > 0 || indexes.length === 0) return creating(due);
  return { action: 'wait', ms: Math.min(...waits) };
}
