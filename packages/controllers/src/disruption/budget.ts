/** How many pods of a budget may be disrupted: pure (pkg/controller/disruption). */
import { withCondition } from '@keelson/api/conditions';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '@keelson/api/generated/types/policy/v1';
import { scaledValue } from '@keelson/api/intstr';
import { millisOf } from '@keelson/api/time';
import { isReady, isTerminal, podCondition } from '../pods/state.ts';

/** Within this time a pod whose eviction was granted is to be deleted; then it counts again. */
const DELETION_MS = 120_000;
/** For so long a pod may tell that it is about to be disrupted without being deleted. */
const STALE_MS = 120_000;
const TYPE = 'DisruptionAllowed';

/** Whether it has to be known how many pods there are to be, not only how many there are. */
export function needsScale({ spec }: PodDisruptionBudget): boolean {
  return spec.maxUnavailable !== undefined || typeof spec.minAvailable === 'string';
}

/**
 * @param scale of the pods' controllers, where it is needed
 * @throws Error for percentages that are none
 */
export function expectationOf(
  { spec }: PodDisruptionBudget,
  pods: number,
  scale: number,
): { expected: number; desired: number } {
  const { maxUnavailable, minAvailable } = spec;
  if (maxUnavailable !== undefined) {
    return { expected: scale, desired: Math.max(0, scale - scaledValue(maxUnavailable, scale, true)) };
  }
  if (typeof minAvailable === 'string') return { expected: scale, desired: scaledValue(minAvailable, scale, true) };
  return { expected: minAvailable === undefined ? 0 : pods, desired: minAvailable ?? 0 };
}

export interface Disrupted {
  /** By pod, when its eviction was granted. */
  readonly pods: Record<string, string>;
  /** Pods that should have been deleted long ago. */
  readonly notDeleted: readonly Pod[];
  /** Milliseconds until the first of the others is late. */
  readonly againMs: number | undefined;
}

export function disruptedPods({ status }: PodDisruptionBudget, pods: readonly Pod[], now: number): Disrupted {
  const granted: Record<string, string> = {};
  const notDeleted: Pod[] = [];
  let againMs: number | undefined;
  for (const pod of pods) {
    const name = pod.metadata.name!;
    const time = status.disruptedPods?.[name];
    if (time === undefined || pod.metadata.deletionTimestamp) continue;
    const left = millisOf(time) + DELETION_MS - now;
    if (left < 0) notDeleted.push(pod);
    else {
      granted[name] = time;
      againMs = Math.min(againMs ?? left, left);
    }
  }
  return { pods: granted, notDeleted, againMs };
}

export function statusOf(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  { expected, desired }: { expected: number; desired: number },
  disrupted: Readonly<Record<string, string>>,
  now: number,
): PodDisruptionBudgetStatus {
  const isDisrupted = (name: string) => name in disrupted && millisOf(disrupted[name]!) + DELETION_MS > now;
  const healthy = pods.filter(
    (pod) => !pod.metadata.deletionTimestamp && !isDisrupted(pod.metadata.name!) && isReady(pod),
  ).length;
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
  const { generation: observedGeneration = 0 } = budget.metadata;
  const reason = allowed > 0 ? 'SufficientPods' : 'InsufficientPods';
  const condition = { type: TYPE, status: allowed > 0 ? 'True' : 'False', reason, message: '', observedGeneration };
  return {
    observedGeneration,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    disruptionsAllowed: allowed,
    ...(Object.keys(disrupted).length > 0 ? { disruptedPods: { ...disrupted } } : {}),
    conditions: withCondition(budget.status.conditions ?? [], condition, new Date(now)),
  };
}

/** What cannot be told allows nothing. */
export function failedStatus({ status }: PodDisruptionBudget, error: Error, now: number): PodDisruptionBudgetStatus {
  const { observedGeneration = 0 } = status;
  const condition = { type: TYPE, status: 'False', reason: 'SyncFailed', message: error.message, observedGeneration };
  return {
    ...status,
    disruptionsAllowed: 0,
    conditions: withCondition(status.conditions ?? [], condition, new Date(now)),
  };
}

/**
 * Milliseconds for which a pod may go on telling that it is about to be disrupted; undefined where it does not tell, or
 * where it is right.
 */
export function untilStale(pod: Pod, now: number): number | undefined {
  const condition = podCondition(pod, 'DisruptionTarget');
  if (pod.metadata.deletionTimestamp || isTerminal(pod) || condition?.status !== 'True') return undefined;
  if (condition.reason === 'TerminationByKubelet') return undefined;
  return Math.max(0, millisOf(condition.lastTransitionTime ?? '') + STALE_MS - now);
}
