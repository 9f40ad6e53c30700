/** What to tell who tightens the policy of a namespace that pods run in. */
import { setImmediate as othersFirst } from 'node:timers/promises';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { type LevelVersion, showPolicy } from './policy.ts';
import { showReasons, violations } from './standards.ts';

const MAX_PODS = 3000;
const MAX_MS = 1000;
const PODS_AT_ONCE = 100;

/** @param pods that are not exempt */
export async function namespaceWarnings(
  namespace: string,
  enforce: LevelVersion,
  pods: readonly Pod[],
  now: () => Date,
): Promise<string[]> {
  const deadline = now().getTime() + MAX_MS;
  const namesByReason = new Map<string, string[]>();
  let checked = 0;
  for (const pod of oneOfEachControllerFirst(pods).slice(0, MAX_PODS)) {
    const reason = showReasons(violations(enforce, pod));
    if (reason !== '') {
      const names = namesByReason.get(reason) ?? [];
      names.push(pod.metadata.name ?? '');
      namesByReason.set(reason, names);
    }
    checked++;
    if (now().getTime() > deadline) break;
    if (checked % PODS_AT_ONCE === 0) await othersFirst();
  }
  const about = [...namesByReason].map(([reason, names]) => `${showNames(names)}: ${reason}`).sort();
  return [
    ...(checked < pods.length
      ? [`new PodSecurity enforce level only checked against the first ${checked} of ${pods.length} existing pods`]
      : []),
    ...(about.length > 0
      ? [`existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${showPolicy(enforce)}"`]
      : []),
    ...about,
  ];
}

/** Replicas are alike. */
function oneOfEachControllerFirst(pods: readonly Pod[]): Pod[] {
  const seen = new Set<string>();
  const first: Pod[] = [];
  const others: Pod[] = [];
  for (const pod of pods) {
    const controller = pod.metadata.ownerReferences?.find((o) => o.controller)?.uid;
    if (controller === undefined || !seen.has(controller)) first.push(pod);
    else others.push(pod);
    if (controller !== undefined) seen.add(controller);
  }
  return [...first, ...others];
}

function showNames(names: readonly string[]): string {
  const [first] = [...names].sort();
  if (names.length === 1) return first!;
  return names.length === 2 ? `${first} (and 1 other pod)` : `${first} (and ${names.length - 1} other pods)`;
}
