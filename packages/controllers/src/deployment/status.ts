/** What a deployment tells of itself: pure (pkg/controller/deployment sync.go calculateStatus, progress.go). */
import type {
  Deployment,
  DeploymentCondition,
  DeploymentStatus,
  ReplicaSet,
} from '@keelson/api/generated/types/apps/v1';
import { millisOf } from '@keelson/api/time';
import { conditionOf, renewed, type Saying, withCondition, without } from './conditions.ts';
import { limitsOf, progressDeadline, replicasOf } from './limits.ts';
import { sum } from './scaling.ts';

type Sets = readonly ReplicaSet[];

/** Counts, and whether enough are available. Other conditions stay. */
export function countedStatus(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: Sets,
  now: number,
): DeploymentStatus {
  const sets = current ? [...old, current] : old;
  const available = sum(sets, ({ status }) => status.availableReplicas ?? 0);
  const terminating = terminatingReplicas(sets);
  const { collisionCount, conditions = [] } = deployment.status;
  const enough = available >= replicasOf(deployment) - limitsOf(deployment).unavailable;
  const saying: Saying = enough
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(sets, ({ status }) => status.replicas),
    updatedReplicas: current?.status.replicas ?? 0,
    readyReplicas: sum(sets, ({ status }) => status.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(sets, replicasOf) - available),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: withCondition(conditions, saying, now),
  };
}

/** Undefined when a set that was looked at does not tell. */
function terminatingReplicas(sets: Sets): number | undefined {
  const told = sets.filter(({ status }) => status.observedGeneration || status.terminatingReplicas !== undefined);
  if (told.some(({ status }) => status.terminatingReplicas === undefined)) return undefined;
  return sum(told, ({ status }) => status.terminatingReplicas!);
}

/** The status in the course of a rollout: counts, whether it gets on, and why pods cannot be made. */
export function rolloutStatus(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: Sets,
  now: number,
): DeploymentStatus {
  const status = countedStatus(deployment, current, old, now);
  const failure = replicaFailure(current, old);
  const progressed = progressConditions(deployment, status, current, now);
  const others = without(progressed, 'ReplicaFailure');
  return { ...status, conditions: failure ? withFailure(progressed, failure) : others };
}

function progressConditions(
  deployment: Deployment,
  status: DeploymentStatus,
  current: ReplicaSet | undefined,
  now: number,
): DeploymentCondition[] {
  const conditions = status.conditions!;
  if (progressDeadline(deployment) === undefined) return without(conditions, 'Progressing');
  const before = conditionOf(deployment.status.conditions ?? [], 'Progressing');
  const wasComplete = status.replicas === status.updatedReplicas && before?.reason === 'NewReplicaSetAvailable';
  if (wasComplete) return conditions;
  const what = current
    ? `ReplicaSet ${JSON.stringify(current.metadata.name)}`
    : `Deployment ${JSON.stringify(deployment.metadata.name)}`;
  const saying = (state: 'True' | 'False', reason: string, course: string): Saying => ({
    type: 'Progressing',
    status: state,
    reason,
    message: `${what} ${course}.`,
  });
  if (isComplete(deployment, status)) {
    return withCondition(conditions, saying('True', 'NewReplicaSetAvailable', 'has successfully progressed'), now);
  }
  if (isProgressing(deployment.status, status)) {
    return renewed(conditions, saying('True', 'ReplicaSetUpdated', 'is progressing'), now);
  }
  if (hasTimedOut(deployment, status, now)) {
    return withCondition(conditions, saying('False', 'ProgressDeadlineExceeded', 'has timed out progressing'), now);
  }
  return conditions;
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = replicasOf(deployment);
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0, observedGeneration = 0 } = status;
  const counts = [updatedReplicas, replicas, availableReplicas];
  return counts.every((count) => count === wanted) && observedGeneration >= (deployment.metadata.generation ?? 0);
}

function isProgressing(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus) => replicas - updatedReplicas;
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function hasTimedOut(deployment: Deployment, { conditions = [] }: DeploymentStatus, now: number): boolean {
  const condition = conditionOf(conditions, 'Progressing');
  if (!condition || condition.reason === 'NewReplicaSetAvailable') return false;
  if (condition.reason === 'ProgressDeadlineExceeded') return true;
  return millisOf(condition.lastUpdateTime ?? '') + progressDeadline(deployment)! * 1000 < now;
}

/** Milliseconds until the rollout has to be looked at again, lest nobody sees that it is stuck. */
export function untilDeadline(deployment: Deployment, status: DeploymentStatus, now: number): number | undefined {
  const condition = conditionOf(status.conditions ?? [], 'Progressing');
  const deadline = progressDeadline(deployment);
  if (deadline === undefined || !condition?.lastUpdateTime) return undefined;
  if (isComplete(deployment, status) || condition.reason === 'ProgressDeadlineExceeded') return undefined;
  // Times are told in whole seconds.
  return Math.max(0, millisOf(condition.lastUpdateTime) + deadline * 1000 - now) + 1000;
}

function replicaFailure(current: ReplicaSet | undefined, old: Sets): DeploymentCondition | undefined {
  for (const set of current ? [current, ...old] : old) {
    const failure = set.status.conditions?.find(({ type }) => type === 'ReplicaFailure');
    if (!failure) continue;
    const { type, status, reason = '', message = '', lastTransitionTime = '' } = failure;
    return { type, status, reason, message, lastTransitionTime, lastUpdateTime: lastTransitionTime };
  }
  return undefined;
}

function withFailure(conditions: readonly DeploymentCondition[], failure: DeploymentCondition): DeploymentCondition[] {
  const before = conditionOf(conditions, failure.type);
  if (before?.status === failure.status && before.reason === failure.reason) return [...conditions];
  return [...without(conditions, failure.type), failure];
}
