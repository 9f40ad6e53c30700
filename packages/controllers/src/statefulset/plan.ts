/**
 * What a stateful set does next: pure (pkg/controller/statefulset/stateful_set_control.go).
 *
 *     replicas in order ─▶ those that are too many, from the last ─▶ old revisions, from the last
 *
 * One that keeps an order stops at the first pod that is not as it should be; one that is parallel does for all pods of a
 * stage what is to be done for each.
 */
import type { ControllerRevision, StatefulSet, StatefulSetStatus } from '@keelson/api/generated/types/apps/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { scaledValue } from '@keelson/api/intstr';
import { isAvailable, isReady, isTerminal } from '../pods/state.ts';
import { isInRange, ordinalOf, ordinalsOf, revisionOf } from './pods.ts';

export interface Observed {
  readonly set: StatefulSet;
  readonly pods: readonly Pod[];
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
  readonly now: number;
  /** Whether claims that a pod of this ordinal would take go with one that was there before. */
  readonly hasFormerClaims: (ordinal: number) => boolean;
  /** Whether the pod, its labels, its storage and the owners of its claims are right. */
  readonly isRight: (pod: Pod) => boolean;
  /** Whether the owners of a condemned pod's claims are right. */
  readonly claimsAreRight: (pod: Pod) => boolean;
}

export type Action =
  | { readonly do: 'create'; readonly ordinal: number; readonly revision: ControllerRevision }
  | { readonly do: 'delete'; readonly pod: Pod; readonly outdated?: boolean }
  /** Claims of a pending pod may have been lost. */
  | { readonly do: 'claim'; readonly pod: Pod }
  | { readonly do: 'correct'; readonly pod: Pod }
  | { readonly do: 'own claims'; readonly pod: Pod };

/** What is to be done in stages: a stage is begun when the one before has been done. */
export type Plan = readonly (readonly Action[])[];

export function isParallel({ spec }: StatefulSet): boolean {
  return spec.podManagementPolicy === 'Parallel';
}

export function plan(observed: Observed): Plan {
  const { set, pods, now } = observed;
  if (set.metadata.deletionTimestamp) return [];
  const { start, end } = ordinalsOf(set);
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(pod), pod]));
  const replicas = Array.from({ length: end - start }, (_, i) => byOrdinal.get(start + i));
  const condemned = pods
    .filter((pod) => ordinalOf(pod) !== undefined && !isInRange(set, ordinalOf(pod)!))
    .sort((a, b) => ordinalOf(b)! - ordinalOf(a)!);
  const ordered = !isParallel(set);
  const stage: Action[] = [];
  for (const [i, pod] of replicas.entries()) {
    const { actions, settled } = forReplica(observed, pod, start + i, ordered);
    stage.push(...actions);
    if (ordered && !settled) return [stage];
  }
  const owning = condemned
    .filter((pod) => !observed.claimsAreRight(pod))
    .map((pod) => ({ do: 'own claims', pod }) as const);
  const unhealthy = [...replicas, ...condemned.toReversed()].find((pod) => !pod || isUnavailable(set, pod, now));
  const leaving: Action[] = [];
  for (const pod of condemned) {
    const goes = !pod.metadata.deletionTimestamp && (!ordered || pod === unhealthy || isHealthy(set, pod, now));
    if (goes) leaving.push({ do: 'delete', pod });
    if (ordered) return [stage, owning, leaving];
  }
  return [stage, owning, leaving, outdated(observed, replicas)];
}

function forReplica(
  observed: Observed,
  pod: Pod | undefined,
  ordinal: number,
  ordered: boolean,
): { actions: Action[]; settled: boolean } {
  const { set, now } = observed;
  if (!pod) {
    if (observed.hasFormerClaims(ordinal)) return { actions: [], settled: false };
    return { actions: [{ do: 'create', ordinal, revision: revisionFor(observed, ordinal) }], settled: false };
  }
  if (isTerminal(pod)) {
    return { actions: pod.metadata.deletionTimestamp ? [] : [{ do: 'delete', pod }], settled: false };
  }
  const actions: Action[] = pod.status.phase === 'Pending' ? [{ do: 'claim', pod }] : [];
  const settled = !pod.metadata.deletionTimestamp && isHealthy(set, pod, now);
  if ((settled || !ordered) && !observed.isRight(pod)) actions.push({ do: 'correct', pod });
  return { actions, settled };
}

/** New pods below the partition are of the current revision, others of the newest. */
function revisionFor({ set, current, update }: Observed, ordinal: number): ControllerRevision {
  const { type, rollingUpdate } = set.spec.updateStrategy;
  const { start } = ordinalsOf(set);
  if (rollingUpdate) return ordinal < start + (rollingUpdate.partition ?? 0) ? current : update;
  return type === 'RollingUpdate' && ordinal < start + (set.status.currentReplicas ?? 0) ? current : update;
}

/** Pods of old revisions that go now: one after the other, or as many as may be unavailable. */
function outdated(observed: Observed, replicas: readonly (Pod | undefined)[]): Action[] {
  const { set, update, now } = observed;
  const { type, rollingUpdate } = set.spec.updateStrategy;
  if (type === 'OnDelete') return [];
  const from = rollingUpdate?.partition ?? 0;
  const isOld = (pod: Pod | undefined): pod is Pod =>
    pod !== undefined && revisionOf(pod) !== update.metadata.name && !pod.metadata.deletionTimestamp;
  const isOut = (pod: Pod | undefined) => !pod || isUnavailable(set, pod, now);
  const targets = replicas.slice(from).reverse();
  if (rollingUpdate?.maxUnavailable === undefined) {
    const stop = targets.find((pod) => isOld(pod) || isOut(pod));
    return isOld(stop) ? [{ do: 'delete', pod: stop, outdated: true }] : [];
  }
  const limit = Math.max(1, scaledValue(rollingUpdate.maxUnavailable, replicas.length, false));
  const room = Math.max(0, limit - replicas.filter(isOut).length);
  const old = targets.filter(isOld).slice(0, room);
  return old.map((pod) => ({ do: 'delete', pod, outdated: true }));
}

function isHealthy({ spec }: StatefulSet, pod: Pod, now: number): boolean {
  return pod.status.phase === 'Running' && isAvailable(pod, spec.minReadySeconds ?? 0, now);
}

function isUnavailable({ spec }: StatefulSet, pod: Pod, now: number): boolean {
  return pod.metadata.deletionTimestamp !== undefined || !isAvailable(pod, spec.minReadySeconds ?? 0, now);
}

/** @param leaving pods of the current revision that were deleted just now */
export function statusOf(observed: Observed, collisionCount: number, leaving: number): StatefulSetStatus {
  const { set, pods, current, update, now } = observed;
  const { replicas: wanted = 0, minReadySeconds = 0, updateStrategy } = set.spec;
  const created = pods.filter(({ status }) => Boolean(status.phase));
  const ready = pods.filter((pod) => pod.status.phase === 'Running' && isReady(pod));
  const staying = created.filter(({ metadata }) => !metadata.deletionTimestamp);
  const ofRevision = ({ metadata }: ControllerRevision) =>
    staying.filter((pod) => revisionOf(pod) === metadata.name).length;
  const updatedReplicas = ofRevision(update);
  const status: StatefulSetStatus = {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: created.length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => isAvailable(pod, minReadySeconds, now)).length,
    currentReplicas: ofRevision(current) - leaving,
    updatedReplicas,
    currentRevision: current.metadata.name!,
    updateRevision: update.metadata.name!,
    collisionCount,
    ...(set.status.conditions ? { conditions: set.status.conditions } : {}),
  };
  const counts = [updatedReplicas, ready.length, created.length];
  const complete = updateStrategy.type === 'RollingUpdate' && counts.every((count) => count === wanted);
  if (!complete) return status;
  return { ...status, currentReplicas: updatedReplicas, currentRevision: update.metadata.name! };
}
