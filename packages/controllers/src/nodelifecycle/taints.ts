/** What a node's conditions mean for its taints (pkg/controller/nodelifecycle). */
import type { Node, Taint } from '@keelson/api/generated/types/core/v1';

export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';

/** By condition and the status in which it taints. */
const KEYS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: NOT_READY, Unknown: UNREACHABLE },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
};
const OWN = new Set([UNSCHEDULABLE, ...Object.values(KEYS).flatMap((keys) => Object.values(keys))]);

/**
 * The node's taints with those of effect NoSchedule that its conditions ask for.
 * @param now RFC 3339
 * @returns undefined when they are right already
 */
export function withConditionTaints({ spec, status }: Node, now: string): Taint[] | undefined {
  const wanted = new Set((status?.conditions ?? []).flatMap((c) => KEYS[c.type]?.[c.status] ?? []));
  if (spec?.unschedulable) wanted.add(UNSCHEDULABLE);
  const taints = spec?.taints ?? [];
  const isOwn = ({ key, effect }: Taint) => effect === 'NoSchedule' && OWN.has(key);
  const kept = taints.filter((taint) => !isOwn(taint) || wanted.has(taint.key));
  const missing = [...wanted].filter((key) => !taints.some((taint) => isOwn(taint) && taint.key === key));
  if (missing.length === 0 && kept.length === taints.length) return undefined;
  return [...kept, ...missing.map((key) => ({ key, effect: 'NoSchedule', timeAdded: now }))];
}

/** The key of the taint that evicts pods from a node of that readiness; undefined for a ready one. */
export function evictingTaint(ready: string): string | undefined {
  return KEYS.Ready![ready];
}

/**
 * The node's taints with the one that evicts, and without its opposite. @param key undefined: with neither
 * @returns undefined when they are right already
 */
export function withEvictingTaint({ spec }: Node, key: string | undefined, now: string): Taint[] | undefined {
  const taints = spec?.taints ?? [];
  const evicts = (taint: Taint) => taint.effect === 'NoExecute' && [NOT_READY, UNREACHABLE].includes(taint.key);
  const kept = taints.filter((taint) => !evicts(taint) || taint.key === key);
  const isThere = key === undefined || kept.some((taint) => evicts(taint));
  if (isThere && kept.length === taints.length) return undefined;
  return isThere ? kept : [...kept, { key, effect: 'NoExecute', timeAdded: now }];
}
