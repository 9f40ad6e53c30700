/** Conditions of pods (pkg/api/v1/pod UpdatePodCondition). */
import type { Pod, PodCondition } from '@keelson/api/generated/types/core/v1';
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
  const { lastProbeTime } = old ?? {};
  const next: PodCondition = { ...(lastProbeTime ? { lastProbeTime } : {}), lastTransitionTime, ...condition };
  if (at < 0) conditions.push(next);
  else conditions[at] = next;
}

export function isPodReady(pod: Pod): boolean {
  return pod.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
}
