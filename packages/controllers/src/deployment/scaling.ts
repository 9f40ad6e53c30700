/** How large the replica sets of a deployment are to be: pure decisions (pkg/controller/deployment rolling.go, sync.go). */
import type { Deployment, ReplicaSet } from '@keelson/api/generated/types/apps/v1';
import { limitsOf, replicasOf } from './limits.ts';
import { desiredReplicas, maxReplicas, oldestFirst } from './replicasets.ts';

export interface Scale {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

export const isActiveSet = (set: ReplicaSet): boolean => replicasOf(set) > 0;
export const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
const available = ({ status }: ReplicaSet): number => status.availableReplicas ?? 0;

/** Whether somebody has scaled the deployment since its sets were: they are scaled first, the rollout goes on later. */
export function wasScaled(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets.filter(isActiveSet).some((set) => {
    const desired = desiredReplicas(set);
    return desired !== undefined && desired !== replicasOf(deployment);
  });
}

/** The size of the new set: as many more as the limit of all pods lets. @param sets all, the new one included */
export function newSetReplicas(deployment: Deployment, sets: readonly ReplicaSet[], current: number): number {
  const wanted = replicasOf(deployment);
  if (deployment.spec.strategy.type !== 'RollingUpdate') return wanted;
  const room = wanted + limitsOf(deployment).surge - sum(sets, replicasOf);
  return room <= 0 ? current : current + Math.min(room, wanted - current);
}

/** One step of a rolling update: the new set grows first; only when it cannot do the old ones shrink. */
export function rollingStep(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Scale[] {
  const wanted = replicasOf(deployment);
  const size = replicasOf(current);
  const all = [...old, current];
  if (size > wanted) return [{ set: current, replicas: wanted }];
  if (size < wanted) {
    const replicas = newSetReplicas(deployment, all, size);
    if (replicas !== size) return [{ set: current, replicas }];
  }
  return shrinkOld(deployment, current, old.filter(isActiveSet));
}

/** Replicas that are not available go first, wherever they are; then the oldest sets, as far as enough stay available. */
function shrinkOld(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Scale[] {
  const minAvailable = replicasOf(deployment) - limitsOf(deployment).unavailable;
  const comingUp = replicasOf(current) - available(current);
  let surplus = sum([...old, current], replicasOf) - minAvailable - comingUp;
  if (old.length === 0 || surplus <= 0) return [];
  const sorted = [...old].sort(oldestFirst);
  const sizes = new Map(sorted.map((set) => [set, replicasOf(set)]));
  for (const set of sorted) {
    const unhealthy = Math.max(0, Math.min(surplus, replicasOf(set) - available(set)));
    sizes.set(set, sizes.get(set)! - unhealthy);
    surplus -= unhealthy;
  }
  let spare = sum([...old, current], available) - minAvailable;
  for (const set of sorted) {
    const fewer = Math.max(0, Math.min(sizes.get(set)!, spare));
    sizes.set(set, sizes.get(set)! - fewer);
    spare -= fewer;
  }
  return changed(sizes);
}

/** The sizes after the deployment was scaled, or while it is paused. */
export function scaleStep(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): Scale[] {
  const wanted = replicasOf(deployment);
  const only = activeOrLatest(current, old);
  if (only) return replicasOf(only) === wanted ? [] : [{ set: only, replicas: wanted }];
  const active = [...old, ...(current ? [current] : [])].filter(isActiveSet);
  if (current && isSaturated(deployment, current)) {
    return active.filter((set) => set !== current).map((set) => ({ set, replicas: 0 }));
  }
  if (deployment.spec.strategy.type !== 'RollingUpdate') return [];
  // Also those that keep their size: they are told what they were scaled for.
  return Array.from(proportions(deployment, active), ([set, replicas]) => ({ set, replicas }));
}

/** The one set that has pods, or the newest where none has; undefined where several have. */
function activeOrLatest(current: ReplicaSet | undefined, old: readonly ReplicaSet[]): ReplicaSet | undefined {
  const all = [...(current ? [current] : []), ...old];
  const active = all.filter(isActiveSet);
  if (active.length > 0) return active.length === 1 ? active[0] : undefined;
  return current ?? [...old].sort(oldestFirst).at(-1);
}

function isSaturated(deployment: Deployment, set: ReplicaSet): boolean {
  const wanted = replicasOf(deployment);
  return replicasOf(set) === wanted && desiredReplicas(set) === wanted && available(set) === wanted;
}

/** Shares what is to be added or taken among the sets by their sizes; what is left over goes to the largest. */
function proportions(deployment: Deployment, active: readonly ReplicaSet[]): Map<ReplicaSet, number> {
  const wanted = replicasOf(deployment);
  const allowed = wanted > 0 ? wanted + limitsOf(deployment).surge : 0;
  const toAdd = allowed - sum(active, replicasOf);
  const age = toAdd > 0 ? (a: ReplicaSet, b: ReplicaSet) => oldestFirst(b, a) : oldestFirst;
  const sorted = [...active].sort((a, b) => replicasOf(b) - replicasOf(a) || age(a, b));
  const sizes = new Map<ReplicaSet, number>();
  let added = 0;
  for (const set of sorted) {
    const share = proportion(deployment, set, toAdd, added);
    sizes.set(set, replicasOf(set) + share);
    added += share;
  }
  const [largest] = sorted;
  if (largest && toAdd !== 0) sizes.set(largest, Math.max(0, sizes.get(largest)! + toAdd - added));
  return sizes;
}

function proportion(deployment: Deployment, set: ReplicaSet, toAdd: number, added: number): number {
  if (toAdd === 0 || toAdd === added) return 0;
  const share = fraction(deployment, set);
  return toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added);
}

function fraction(deployment: Deployment, set: ReplicaSet): number {
  const wanted = replicasOf(deployment);
  const size = replicasOf(set);
  if (wanted === 0) return -size;
  const before = maxReplicas(set) || deployment.status.replicas || 0;
  if (before === 0) return 0;
  return Math.round((size * (wanted + limitsOf(deployment).surge)) / before) - size;
}

function changed(sizes: ReadonlyMap<ReplicaSet, number>): Scale[] {
  return Array.from(sizes, ([set, replicas]) => ({ set, replicas })).filter(
    ({ set, replicas }) => replicas !== replicasOf(set),
  );
}
