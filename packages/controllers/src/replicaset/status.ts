import type { ReplicaSetCondition, ReplicaSetStatus } from '@keelson/api/generated/types/apps/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { formatTime } from '@keelson/api/time';
import { isAvailable, isReady } from '../pods/state.ts';
import { selectorOfMap } from '../selectors.ts';
import type { ReplicaOwner } from './engine.ts';

const FAILURE = 'ReplicaFailure';

/**
 * The status of what it has (pkg/controller/replicaset calculateStatus).
 * @param terminating undefined where the kind does not tell
 * @param failure why pods could not be created or deleted
 */
export function statusOf(
  owner: ReplicaOwner,
  active: readonly Pod[],
  terminating: number | undefined,
  failure: Error | undefined,
  now: number,
): ReplicaSetStatus {
  const { replicas: desired = 0, minReadySeconds = 0, template } = owner.spec;
  const templateLabels = selectorOfMap(template?.metadata?.labels);
  const ready = active.filter(isReady);
  const conditions = conditionsAfter(owner.status.conditions ?? [], failure, desired - active.length, now);
  return {
    replicas: active.length,
    fullyLabeledReplicas: active.filter((pod) => templateLabels.matches(pod.metadata.labels ?? {})).length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => isAvailable(pod, minReadySeconds, now)).length,
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    observedGeneration: owner.metadata.generation ?? 0,
    ...(conditions.length > 0 ? { conditions } : {}),
  };
}

/** The first failure stays as it was told until there is none. */
function conditionsAfter(
  conditions: readonly ReplicaSetCondition[],
  failure: Error | undefined,
  missing: number,
  now: number,
): ReplicaSetCondition[] {
  const others = conditions.filter(({ type }) => type !== FAILURE);
  if (!failure) return others;
  if (others.length < conditions.length) return [...conditions];
  const reason = missing > 0 ? 'FailedCreate' : missing < 0 ? 'FailedDelete' : '';
  const lastTransitionTime = formatTime(new Date(now));
  return [...others, { type: FAILURE, status: 'True', lastTransitionTime, reason, message: failure.message }];
}
