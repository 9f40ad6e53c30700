/** How long a job waits before it replaces failed pods (pkg/controller/job/backoff_utils.go). */
import type { ContainerStatus, Pod } from '@keelson/api/generated/types/core/v1';
import { millisOf } from '@keelson/api/time';
import { podCondition } from '../pods/state.ts';
import { allFailuresBefore } from './pods.ts';

const FIRST_MS = 10_000;
const MAX_MS = 600_000;

/** The failures of a job in a row. */
export interface Failures {
  readonly count: number;
  /** When the last of them came to its end, milliseconds since 1970. */
  readonly last: number | undefined;
}

export const NO_FAILURES: Failures = { count: 0, last: undefined };

/** @param succeeded and `failed`: pods that came to their end since `before` */
export function failuresAfter(before: Failures, succeeded: readonly Pod[], failed: readonly Pod[]): Failures {
  if (failed.length === 0) return succeeded.length === 0 ? before : NO_FAILURES;
  const lastSuccess = succeeded.length === 0 ? undefined : Math.max(...succeeded.map(finishedAt));
  const since = failed.map(finishedAt).filter((at) => lastSuccess === undefined || at > lastSuccess);
  const base = lastSuccess === undefined ? before : NO_FAILURES;
  return since.length === 0 ? base : { count: base.count + since.length, last: Math.max(...since) };
}

/** Milliseconds until pods may be created again: 10 s after a failure, doubling to ten minutes. */
export function remainingMs({ count, last }: Failures, now: number): number {
  if (count === 0 || last === undefined) return 0;
  return Math.max(0, Math.min(MAX_MS, FIRST_MS * 2 ** (count - 1)) - (now - last));
}

/** The same for the successor of one failed pod. */
export function remainingOfIndexMs(failed: Pod | undefined, now: number): number {
  if (!failed) return 0;
  return remainingMs({ count: allFailuresBefore(failed) + 1, last: finishedAt(failed) }, now);
}

/** When a pod came to its end, as far as it tells; milliseconds since 1970. */
export function finishedAt(pod: Pod): number {
  const { metadata } = pod;
  const ready = podCondition(pod, 'Ready');
  const ended = containersEnded(pod);
  if (ended !== undefined) return ended;
  if (ready?.status === 'False' && ready.lastTransitionTime) return millisOf(ready.lastTransitionTime);
  if (metadata.deletionTimestamp) {
    return millisOf(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  }
  return millisOf(metadata.creationTimestamp!);
}

/** When the last container ended; undefined where one has not, or does not tell. */
function containersEnded({ spec, status }: Pod): number | undefined {
  const sidecars = new Set(spec.initContainers?.filter((c) => c.restartPolicy === 'Always').map((c) => c.name));
  const counted: ContainerStatus[] = [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)),
  ];
  if (counted.length === 0) return undefined;
  const times = counted.map(({ state }) => state.terminated?.finishedAt);
  return times.every((time) => time !== undefined) ? Math.max(...times.map(millisOf)) : undefined;
}
