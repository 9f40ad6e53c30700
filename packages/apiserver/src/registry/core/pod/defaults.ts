/** Defaults of pods themselves, beyond those of every pod spec (k8s.io/kubernetes/pkg/apis/core/v1/defaults.go). */
import type { Container, ContainerStatus, Pod, PodSpec, PodStatus } from '@keelson/api/generated/types/core/v1';
import { type ResourceList, roundToMilli, withMissing } from '@keelson/api/resources/list';
import { isHugePages } from '@keelson/api/resources/names';
import { containerTotals, isPodLevelResource } from '@keelson/api/resources/pod';
import type { IsEnabled } from '../../../gates.ts';
import { defaultPodSpec, dropInitContainerAnnotations } from './specdefaults.ts';

export function defaults(pod: Pod, isEnabled: IsEnabled): void {
  const { spec } = pod;
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) requestLimits(container);
  defaultPodResources(spec, isEnabled);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork)
    for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])])
      for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
  defaultPodSpec(spec);
  if (spec.terminationGracePeriodSeconds! < 0) spec.terminationGracePeriodSeconds = 1;
  dropInitContainerAnnotations(pod.metadata);
  if (pod.status) defaultStatus(pod.status);
}

/** What is limited is requested too. */
function requestLimits({ resources }: Container): void {
  if (resources?.limits) resources.requests = withMissing(resources.requests, resources.limits);
}

/** Completes what the pod states as a whole, where it states something, from its containers. */
export function defaultPodResources({ resources, ...spec }: PodSpec, isEnabled: IsEnabled): void {
  if (!isEnabled('PodLevelResources')) return;
  if (!resources || (isEmpty(resources.limits) && isEmpty(resources.requests))) return;
  const hugePages = texts(containerTotals(spec, 'limits'), (name) => {
    return isHugePages(name) && resources.requests?.[name] === undefined;
  });
  const limits = withMissing(resources.limits, hugePages);
  if (isEmpty(limits)) return;
  resources.limits = limits;
  const requested = texts(containerTotals(spec, 'requests'), (name) => name === 'cpu' || name === 'memory');
  const limited = Object.fromEntries(Object.entries(limits).filter(([name]) => isPodLevelResource(name)));
  const requests = withMissing({ ...requested, ...resources.requests }, limited);
  if (!isEmpty(requests)) resources.requests = requests;
}

function texts(totals: ReturnType<typeof containerTotals>, wanted: (name: string) => boolean): ResourceList {
  return Object.fromEntries([...totals].filter(([name]) => wanted(name)).map(([name, q]) => [name, q.toString()]));
}

function isEmpty(list: ResourceList | undefined): boolean {
  return Object.keys(list ?? {}).length === 0;
}

function defaultStatus(status: PodStatus): void {
  for (const list of [status.initContainerStatuses, status.containerStatuses, status.ephemeralContainerStatuses])
    for (const container of list ?? []) defaultContainerStatus(container);
  roundToMilli(status.allocatedResources);
  roundToMilli(status.resources?.limits);
  roundToMilli(status.resources?.requests);
  // Two spellings of one thing: the singular one is older and wins.
  if (status.podIP && status.podIP !== status.podIPs?.[0]?.ip) status.podIPs = [{ ip: status.podIP }];
  const first = status.podIPs?.[0]?.ip;
  if (first) status.podIP = first;
}

function defaultContainerStatus(status: ContainerStatus): void {
  roundToMilli(status.allocatedResources);
  roundToMilli(status.resources?.limits);
  roundToMilli(status.resources?.requests);
}
