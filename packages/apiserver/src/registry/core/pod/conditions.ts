/** Conditions of pods (pkg/api/v1/pod UpdatePodCondition). */
import type { Pod, PodCondition } from '@keelson/api/generated/types/core/v1';
import type { Time } from '@keelson/api/scalars';
import { formatTime } from '@keelson/api/time';

/** Sets a condition; its transition time changes only with its status. */
export function setPodCondition(
  pod: Pod,
  condition: Omit<PodCondition, 'lastProbeTime' | 'lastTransitionTime'>,
  now: Date,
): void {
  pod.status.conditions ??= [];
  const { conditions } = pod.status;
  const at = conditions.findIndex((c) => c.type === condition.type);
  const old = conditions[at];
  const lastTransitionTime = (old?.status === condition.status && old.lastTransitionTime) || formatTime(now);
  const { type, observedGeneration, status, reason, message } = condition;
  const next: PodCondition = {
    type,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    status,
    // Canonical JSON has a null where Go has the zero time.
    lastProbeTime: old?.lastProbeTime ?? (null as unknown as Time),
    lastTransitionTime,
    ...(reason ? { reason } : {}),
    ...(message ? { message } : {}),
  };
  if (at < 0) conditions.push(next);
  else conditions[at] = next;
}

export function isPodReady(pod: Pod): boolean {
  return pod.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
}
