/** How a status of the kubelet's goes over that of the API server. */
import type { Pod, PodCondition, PodStatus } from '@keelson/api/generated/types/core/v1';
import { conditionOf, isTerminalPhase } from '../pods/spec.ts';
import { isOwned, terminalVerdict } from './conditions.ts';

/** Fields that others write. */
const FOREIGN = new Set([
  'nominatedNodeName',
  'resize',
  'resourceClaimStatuses',
  'extendedResourceClaimStatus',
  'nodeAllocatableResourceClaimStatuses',
]);

/**
 * Conditions of others stay as the API server has them; the phase becomes final when no container runs any more, and not
 * before (pkg/kubelet/status/status_manager.go, mergePodStatus).
 * @param now as the API writes times
 */
export function mergeStatus(stored: PodStatus, status: PodStatus, mayRun: boolean, now: string): PodStatus {
  const becomesFinal = !isTerminalPhase(stored.phase) && isTerminalPhase(status.phase);
  const others = (stored.conditions ?? []).filter(({ type }) => !isOwned(type));
  let conditions = [...others, ...(status.conditions ?? []).filter(({ type }) => isOwned(type))];
  const disruption = conditionOf(status, 'DisruptionTarget');
  if (disruption && becomesFinal && !mayRun) {
    const same = conditionOf(stored, 'DisruptionTarget')?.status === disruption.status;
    const shown = same ? disruption : { ...disruption, lastTransitionTime: now };
    conditions = [...conditions.filter(({ type }) => type !== 'DisruptionTarget'), shown];
  }
  const merged: PodStatus = { ...status, conditions };
  if (becomesFinal && mayRun) return { ...merged, ...phaseOf(stored) };
  if (!isTerminalPhase(merged.phase)) return merged;
  const { phase } = merged;
  const notReady = ({ type, status }: PodCondition) =>
    status === 'True' && (type === 'Ready' || type === 'ContainersReady');
  if (!conditions.some(notReady)) return merged;
  return {
    ...merged,
    conditions: conditions.map((condition) =>
      notReady(condition) ? { ...condition, ...terminalVerdict(phase), lastTransitionTime: now } : condition,
    ),
  };
}

function phaseOf({ phase, reason, message }: PodStatus): Pick<PodStatus, 'phase' | 'reason' | 'message'> {
  return { phase: phase ?? 'Pending', reason, message } as Pick<PodStatus, 'phase' | 'reason' | 'message'>;
}

/** Conditions with the times at which they came to be what they are, and the pod's start. */
export function withTimes(status: PodStatus, old: PodStatus, now: string): PodStatus {
  const conditions = status.conditions?.map((condition) => {
    if (!isOwned(condition.type) && condition.type !== 'DisruptionTarget') return condition;
    if (condition.lastTransitionTime) return condition;
    const before = conditionOf(old, condition.type);
    const lastTransitionTime = before?.status === condition.status ? (before.lastTransitionTime ?? now) : now;
    return { ...condition, lastTransitionTime };
  });
  return { ...status, ...(conditions ? { conditions } : {}), startTime: old.startTime ?? status.startTime ?? now };
}

/**
 * A strategic merge patch of the kubelet's fields that leads from one status to another; undefined where they are the same.
 * It applies to the pod with that uid alone.
 */
export function statusPatch({ metadata }: Pod, stored: PodStatus, status: PodStatus): object | undefined {
  const patch: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(stored), ...Object.keys(status)]) as Set<keyof PodStatus>) {
    if (FOREIGN.has(name) || same(stored[name], status[name])) continue;
    if (name === 'conditions') patch[name] = conditionsPatch(stored.conditions ?? [], status.conditions ?? []);
    else if (name === 'podIPs' || name === 'hostIPs') patch[name] = [...(status[name] ?? []), { $patch: 'replace' }];
    else patch[name] = status[name] ?? null;
  }
  if (Object.keys(patch).length === 0) return undefined;
  return { metadata: { uid: metadata.uid }, status: patch };
}

function conditionsPatch(stored: readonly PodCondition[], wanted: readonly PodCondition[]): object[] {
  const gone = stored.filter(({ type }) => !wanted.some((condition) => condition.type === type));
  const changed = wanted.filter(
    (condition) =>
      !same(
        stored.find(({ type }) => type === condition.type),
        condition,
      ),
  );
  return [
    ...changed.map((condition) => {
      const before = stored.find(({ type }) => type === condition.type) ?? {};
      const dropped = Object.keys(before).filter((name) => !(name in condition));
      return { ...Object.fromEntries(dropped.map((name) => [name, null])), ...condition };
    }),
    ...gone.map(({ type }) => ({ $patch: 'delete', type })),
  ];
}

/** Whatever order the fields are in; null is nothing. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b || (a ?? undefined) === (b ?? undefined)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => same(item, b[i]));
  }
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const name in left) if (!same(left[name], right[name])) return false;
  for (const name in right) if (!(name in left) && !same(undefined, right[name])) return false;
  return true;
}
