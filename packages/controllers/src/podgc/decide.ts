/** Which pods nobody else will delete: pure (pkg/controller/podgc). */
import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import { millisOf } from '@keelson/api/time';

const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

/** Terminated pods beyond the threshold: evicted ones first, then the oldest. @param threshold 0 keeps all */
export function terminatedBeyond(pods: readonly Pod[], threshold: number): Pod[] {
  if (threshold <= 0) return [];
  const terminated = pods.filter(({ status }) => !['Pending', 'Running', 'Unknown'].includes(status.phase ?? ''));
  return terminated.sort(evictedThenOldest).slice(0, Math.max(0, terminated.length - threshold));
}

/** Pods that are being deleted on a node that is declared out of service: its kubelet will not do it. */
export function stuckOutOfService(pods: readonly Pod[], node: (name: string) => Node | undefined): Pod[] {
  return pods
    .filter(({ metadata, spec }) => metadata.deletionTimestamp && isOutOfService(node(spec.nodeName ?? '')))
    .sort(evictedThenOldest);
}

function isOutOfService(node: Node | undefined): boolean {
  if (!node) return false;
  const ready = node.status.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status !== 'True' && (node.spec.taints?.some(({ key }) => key === OUT_OF_SERVICE) ?? false);
}

/** Pods that are being deleted and were never bound to a node. */
export function unscheduledTerminating(pods: readonly Pod[]): Pod[] {
  return pods.filter(({ metadata, spec }) => metadata.deletionTimestamp && !spec.nodeName);
}

/** Pods by the node that they are bound to and that is not there. */
export function onMissingNodes(pods: readonly Pod[], exists: (name: string) => boolean): Map<string, Pod[]> {
  const bound = pods.filter(({ spec }) => spec.nodeName && !exists(spec.nodeName));
  return Map.groupBy(bound, ({ spec }) => spec.nodeName!);
}

function evictedThenOldest(a: Pod, b: Pod): number {
  const evicted = (pod: Pod) => Number(pod.status.phase === 'Failed' && pod.status.reason === 'Evicted');
  if (evicted(a) !== evicted(b)) return evicted(b) - evicted(a);
  const created = ({ metadata }: Pod) => millisOf(metadata.creationTimestamp!);
  return created(a) - created(b) || (a.metadata.name! < b.metadata.name! ? -1 : 1);
}
