/** What is to be done for a deployment next: pure (pkg/controller/deployment deployment_controller.go, recreate.go, sync.go). */
import type { Deployment, DeploymentStatus, ReplicaSet } from '@keelson/api/generated/types/apps/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { isTerminal } from '../pods/state.ts';
import { conditionOf, type Saying, withCondition } from './conditions.ts';
import { historyLimit, progressDeadline, replicasOf } from './limits.ts';
import { oldestFirst, revisionOf } from './replicasets.ts';
import { isActiveSet, rollingStep, type Scale, scaleStep, wasScaled } from './scaling.ts';
import { countedStatus, isComplete, rolloutStatus } from './status.ts';

export interface Observed {
  readonly deployment: Deployment;
  /** The one of the deployment's template, if there is one. */
  readonly current: ReplicaSet | undefined;
  /** Oldest first. */
  readonly old: readonly ReplicaSet[];
  /** Pods of a replica set; asked for only where all have to be gone before new ones come. */
  pods(set: ReplicaSet): readonly Pod[];
}

export type Step =
  /** The replica set of the template is missing and is due. */
  | { readonly action: 'create' }
  | { readonly action: 'scale'; readonly scales: readonly Scale[]; readonly remove: readonly ReplicaSet[] };

/** Whether the deployment is only adjusted to its size for now: it is paused, was scaled, or is being deleted. */
export function holdsStill({ deployment, current, old }: Observed): boolean {
  const { metadata, spec } = deployment;
  const sets = current ? [...old, current] : old;
  return metadata.deletionTimestamp !== undefined || spec.paused === true || wasScaled(deployment, sets);
}

export function nextStep(observed: Observed): Step {
  const { deployment, current, old } = observed;
  const nothing = { action: 'scale', scales: [], remove: [] } as const;
  if (deployment.metadata.deletionTimestamp) return nothing;
  if (holdsStill(observed)) {
    const remove = deployment.spec.paused ? outdated(deployment, old) : [];
    return { action: 'scale', scales: scaleStep(deployment, current, old), remove };
  }
  if (deployment.spec.strategy.type === 'Recreate') return recreateStep(observed);
  if (!current) return { action: 'create' };
  const scales = rollingStep(deployment, current, old);
  return { action: 'scale', scales, remove: scales.length > 0 ? [] : whenComplete(deployment, old) };
}

/** Old pods are all gone before the first new one comes. */
function recreateStep(observed: Observed): Step {
  const { deployment, current, old } = observed;
  const active = old.filter(isActiveSet);
  if (active.length > 0) {
    return { action: 'scale', scales: active.map((set) => ({ set, replicas: 0 })), remove: [] };
  }
  const running = old.some((set) => set.status.replicas > 0 || observed.pods(set).some((pod) => !isTerminal(pod)));
  if (running) return { action: 'scale', scales: [], remove: [] };
  if (!current) return { action: 'create' };
  const wanted = replicasOf(deployment);
  const scales = replicasOf(current) === wanted ? [] : [{ set: current, replicas: wanted }];
  return { action: 'scale', scales, remove: whenComplete(deployment, old) };
}

function whenComplete(deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet[] {
  return isComplete(deployment, deployment.status) ? outdated(deployment, old) : [];
}

/** Old sets without pods beyond the history's limit, the oldest revisions first. */
function outdated(deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = historyLimit(deployment);
  if (limit === undefined) return [];
  const alive = old.filter(({ metadata }) => !metadata.deletionTimestamp).sort(byRevision);
  return alive
    .slice(0, Math.max(0, alive.length - limit))
    .filter(
      ({ metadata, spec, status }) =>
        status.replicas === 0 && spec.replicas === 0 && (metadata.generation ?? 0) <= (status.observedGeneration ?? 0),
    );
}

function byRevision(a: ReplicaSet, b: ReplicaSet): number {
  const [first, second] = [revisionOf(a), revisionOf(b)];
  if (first === undefined || second === undefined || first === second) return oldestFirst(a, b);
  return first < second ? -1 : 1;
}

/** The status to be told. */
export function statusAfter(observed: Observed, now: number): DeploymentStatus {
  const { deployment, current, old } = observed;
  const still = holdsStill(observed);
  return still ? countedStatus(deployment, current, old, now) : rolloutStatus(deployment, current, old, now);
}

/** The deployment with what it tells of being paused, and of being resumed. */
export function withPause(deployment: Deployment, now: number): Deployment {
  if (progressDeadline(deployment) === undefined) return deployment;
  const reason = conditionOf(deployment.status.conditions ?? [], 'Progressing')?.reason;
  const paused = deployment.spec.paused === true;
  if (reason === 'ProgressDeadlineExceeded' || (reason === 'DeploymentPaused') === paused) return deployment;
  return paused
    ? saying(deployment, 'Unknown', 'DeploymentPaused', 'Deployment is paused', now)
    : saying(deployment, 'Unknown', 'DeploymentResumed', 'Deployment is resumed', now);
}

/** The deployment with what it tells of its replica set, where progress is told at all. */
export function saying(
  deployment: Deployment,
  status: Saying['status'],
  reason: string,
  message: string,
  now: number,
): Deployment {
  if (progressDeadline(deployment) === undefined) return deployment;
  const conditions = withCondition(
    deployment.status.conditions ?? [],
    { type: 'Progressing', status, reason, message },
    now,
  );
  return { ...deployment, status: { ...deployment.status, conditions } };
}
