/** Which pods go first when there are too many (pkg/controller/controller_utils.go, ActivePodsWithRanks). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { millisOf } from '@keelson/api/time';
import { isReady, readySince } from './state.ts';

const PHASES: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

/** A pod with what is compared, read once. */
interface Candidate {
  readonly pod: Pod;
  readonly assigned: boolean;
  readonly phase: number;
  readonly ready: boolean;
  readonly cost: number;
  /** How many related pods its node has. */
  readonly crowd: number;
  readonly readySince: number | undefined;
  readonly restarts: number;
  readonly sidecarRestarts: number;
  readonly created: number | undefined;
}

/**
 * Pods in the order in which they are given up: not assigned before assigned, pending before unknown before running, not
 * ready before ready, cheap before dear, on crowded nodes before others, lately ready before long ready, much restarted
 * before little, young before old. Ages count in powers of two, so that a like old pod is chosen at random, by its uid.
 * @param related pods that do the same work, which tell how crowded a node is
 * @param heedsCost whether pods may say how dear they are (gate `PodDeletionCost`)
 */
export function byDeletionOrder(pods: readonly Pod[], related: readonly Pod[], now: number, heedsCost: boolean): Pod[] {
  const crowds = new Map<string | undefined, number>();
  for (const { spec } of related) crowds.set(spec.nodeName, (crowds.get(spec.nodeName) ?? 0) + 1);
  return pods
    .map((pod) => candidate(pod, crowds.get(pod.spec.nodeName) ?? 0, heedsCost))
    .sort((a, b) => compare(a, b, now))
    .map(({ pod }) => pod);
}

function candidate(pod: Pod, crowd: number, heedsCost: boolean): Candidate {
  const { spec, status, metadata } = pod;
  const sidecars = new Set(spec.initContainers?.filter((c) => c.restartPolicy === 'Always').map((c) => c.name));
  return {
    pod,
    assigned: Boolean(spec.nodeName),
    phase: PHASES[status.phase ?? ''] ?? 0,
    ready: isReady(pod),
    cost: heedsCost ? deletionCost(metadata.annotations?.[DELETION_COST]) : 0,
    crowd,
    readySince: readySince(pod),
    restarts: most(status.containerStatuses),
    sidecarRestarts: most(status.initContainerStatuses?.filter(({ name }) => sidecars.has(name))),
    created: metadata.creationTimestamp ? millisOf(metadata.creationTimestamp) : undefined,
  };
}

/** A number of 32 bits without a leading zero or plus; anything else counts as zero. */
function deletionCost(text: string | undefined): number {
  if (text === undefined || !/^(?:0|-?[1-9]\d{0,9})$/.test(text)) return 0;
  const cost = Number(text);
  return cost === (cost | 0) ? cost : 0;
}

function most(statuses: Pod['status']['containerStatuses']): number {
  return Math.max(0, ...(statuses ?? []).map(({ restartCount }) => restartCount));
}

function compare(a: Candidate, b: Candidate, now: number): number {
  const byReadiness = a.ready && b.ready ? byAge(a, b, a.readySince, b.readySince, now) : 0;
  return (
    Number(a.assigned) - Number(b.assigned) ||
    a.phase - b.phase ||
    Number(a.ready) - Number(b.ready) ||
    a.cost - b.cost ||
    b.crowd - a.crowd ||
    byReadiness ||
    b.restarts - a.restarts ||
    b.sidecarRestarts - a.sidecarRestarts ||
    byAge(a, b, a.created, b.created, now)
  );
}

function byAge(a: Candidate, b: Candidate, since: number | undefined, other: number | undefined, now: number): number {
  if (since === other) return 0;
  if (since === undefined || other === undefined) return since === undefined ? -1 : 1;
  const difference = magnitude(now - since) - magnitude(now - other);
  return difference || (a.pod.metadata.uid! < b.pod.metadata.uid! ? -1 : 1);
}

const NANOSECONDS = 1e6;

function magnitude(ageMs: number): number {
  return ageMs > 0 ? Math.floor(Math.log2(ageMs * NANOSECONDS)) : -1;
}
