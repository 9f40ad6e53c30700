/** What a pod takes from its node (k8s.io/component-helpers/resource). */
import type { ContainerStatus, Pod, PodSpec } from '@keelson/api/generated/types/core/v1';
import { maxResources, parseResources, type ResourceTotals } from '../../resourcelist.ts';
import { type Amounts, isPodLevelResource, isSidecar, type ResourceKind, sumContainers } from './resources.ts';

export function hasPodLevelResources({ resources }: PodSpec): boolean {
  return [resources?.requests, resources?.limits].some((list) => Object.keys(list ?? {}).some(isPodLevelResource));
}

/**
 * What the pod takes from its node: of running containers what they have, if that is more than what they should have;
 * with the overhead of its runtime.
 */
export function podTotals(pod: Pod, kind: ResourceKind): ResourceTotals {
  const { spec, status } = pod;
  const statuses = new Map(
    [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].map((s) => [s.name, s]),
  );
  const infeasible = status?.conditions?.find((c) => c.type === 'PodResizePending')?.reason === 'Infeasible';
  const runsOnce = new Set((spec.initContainers ?? []).filter((c) => !isSidecar(c)));
  const totals = sumContainers(spec, (container) => {
    const running = runsOnce.has(container) ? undefined : statuses.get(container.name);
    return effective(parseResources(container.resources?.[kind]), running, kind, infeasible);
  });
  for (const [name, amount] of parseResources(spec.resources?.[kind]))
    if (isPodLevelResource(name)) totals.set(name, amount);
  for (const [name, amount] of parseResources(spec.overhead)) {
    const known = totals.get(name);
    if (kind === 'requests' || (known && !known.isZero())) totals.set(name, known?.add(amount) ?? amount);
  }
  return totals;
}

/** A resize that cannot happen does not count. */
function effective(
  wanted: Amounts,
  status: ContainerStatus | undefined,
  kind: ResourceKind,
  infeasible: boolean,
): Amounts {
  if (!status?.resources) return wanted;
  const totals: ResourceTotals = new Map(parseResources(status.resources[kind]));
  if (kind === 'requests') maxResources(totals, parseResources(status.allocatedResources));
  if (!infeasible) maxResources(totals, wanted);
  return totals;
}
