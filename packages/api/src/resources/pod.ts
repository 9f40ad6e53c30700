/** What a pod takes from its node, and its containers together (k8s.io/component-helpers/resource), and its quality of service. */
import type { Container, ContainerStatus, Pod, PodSpec } from '../generated/types/core/v1.ts';
import { Quantity } from '../quantity.ts';
import { addResources, maxResources, parseResources, type ResourceList, type ResourceTotals } from './list.ts';
import { isHugePages } from './names.ts';

const POD_LEVEL = new Set(['cpu', 'memory']);

export type ResourceKind = 'requests' | 'limits';
export type Amounts = Iterable<readonly [string, Quantity]>;

/** Resources that a pod may state as a whole. */
export function isPodLevelResource(name: string): boolean {
  return POD_LEVEL.has(name) || isHugePages(name);
}

/** An init container that runs beside the ordinary ones. */
export function isSidecar(container: { readonly restartPolicy?: string } | undefined): boolean {
  return container?.restartPolicy === 'Always';
}

/**
 * The sum of the containers and sidecars, or what one init container needs with the sidecars before it, whichever is more.
 */
export function containerTotals(spec: PodSpec, kind: ResourceKind): ResourceTotals {
  return sumContainers(spec, (container) => parseResources(container.resources?.[kind]));
}

/** The same of what `of` says that a container needs. */
export function sumContainers(spec: PodSpec, of: (container: Container) => Amounts): ResourceTotals {
  const totals: ResourceTotals = new Map();
  for (const container of spec.containers ?? []) addResources(totals, of(container));
  const sidecars: ResourceTotals = new Map();
  const init: ResourceTotals = new Map();
  for (const container of spec.initContainers ?? []) {
    const own: ResourceTotals = new Map(of(container));
    if (isSidecar(container)) {
      addResources(totals, own);
      addResources(sidecars, own);
      maxResources(init, sidecars);
    } else {
      addResources(own, sidecars);
      maxResources(init, own);
    }
  }
  maxResources(totals, init);
  return totals;
}

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

/** The class that the pod has, or would get (pkg/apis/core/helper/qos). */
export function qosClass(pod: Pod): string {
  return pod.status?.qosClass || computeQOS(pod.spec);
}

const ZERO = Quantity.of(0);

export function computeQOS(spec: PodSpec): string {
  const whole = spec.resources ? [spec.resources] : undefined;
  const parts = whole ?? [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((c) => c.resources ?? {});
  const requests: ResourceTotals = new Map();
  const limits: ResourceTotals = new Map();
  let guaranteed = true;
  for (const part of parts) {
    addResources(requests, computing(part.requests));
    const limited = computing(part.limits);
    addResources(limits, limited);
    // A pod-level statement without any limits does not spoil the guarantee here; the comparison below does.
    if (limited.length < POD_LEVEL.size && !(whole && !part.limits)) guaranteed = false;
  }
  if (requests.size === 0 && limits.size === 0) return 'BestEffort';
  guaranteed &&= requests.size === limits.size;
  guaranteed &&= [...requests].every(([name, amount]) => limits.get(name)?.cmp(amount) === 0);
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function computing(list: ResourceList | undefined): (readonly [string, Quantity])[] {
  return parseResources(list).filter(([name, amount]) => POD_LEVEL.has(name) && amount.cmp(ZERO) > 0);
}
