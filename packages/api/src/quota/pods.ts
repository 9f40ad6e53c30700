/** What pods use of a quota (pkg/quota/v1/evaluator/core/pods.go). */
import type { Pod, PodAffinityTerm, ScopedResourceSelectorRequirement } from '../generated/types/core/v1.ts';
import type { TypedObject } from '../object.ts';
import { parseResources } from '../resources/list.ts';
import { isExtendedResource, isHugePages, isNativeResource, isQuotaHugePages } from '../resources/names.ts';
import { hasPodLevelResources, podTotals, qosClass } from '../resources/pod.ts';
import { millisOf } from '../time.ts';
import { type Amounts, ONE, sum } from './amounts.ts';
import { countName, type Evaluator, matchesRequirement } from './evaluator.ts';

const REQUESTS = 'requests.';
export const DEVICE_CLASS = 'deviceclass.resource.kubernetes.io/';

const COUNT = countName({ group: '', resource: 'pods' });
const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];
const COUNTED = new Set([
  COUNT,
  'pods',
  ...COMPUTE,
  ...COMPUTE.map((name) => REQUESTS + name),
  ...COMPUTE.map((name) => `limits.${name}`),
]);
/** Where one of these is limited, each container must state it. */
const STATED = new Set([...['cpu', 'memory'].flatMap((name) => [name, REQUESTS + name, `limits.${name}`])]);

/** @param countsWhole whether what pods state as a whole counts (gate `PodLevelResources`) */
export function podEvaluator(now: () => Date, countsWhole: boolean): Evaluator {
  const asPod = (object: TypedObject) => {
    const pod = object as Pod;
    if (countsWhole || !pod.spec.resources) return pod;
    const { resources: _, ...spec } = pod.spec;
    return { ...pod, spec };
  };
  return {
    handles({ operation, subresource, object, oldObject }) {
      if (subresource === 'resize') return operation === 'UPDATE';
      if (subresource !== '') return false;
      if (operation === 'UPDATE') return isTerminating(object as Pod) !== isTerminating(oldObject as Pod);
      return operation === 'CREATE';
    },
    counts: (name) => COUNTED.has(name) || isQuotaHugePages(name) || isExtendedQuotaName(name),
    usage: (object) => podUsage(asPod(object), now()),
    inScope: (requirement, object) => isInScope(requirement, asPod(object)),
    lacks: (names, object) => unstated(names, asPod(object)),
  };
}

/** A quota's name for a device or the like. */
export function isExtendedQuotaName(name: string): boolean {
  return name.startsWith(REQUESTS) && (!isNativeResource(name) || name.startsWith(REQUESTS + DEVICE_CLASS));
}

/** Pods that are over are still objects, and nothing else. */
export function podUsage(pod: Pod, now: Date): Amounts {
  const count = new Map([[COUNT, ONE]]);
  if (isOver(pod, now)) return count;
  return sum(count, computeUsage(podTotals(pod, 'requests'), podTotals(pod, 'limits')));
}

function isOver({ status, metadata }: Pod, now: Date): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false;
  return now.getTime() > millisOf(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function computeUsage(requests: Amounts, limits: Amounts): Amounts {
  const usage = new Map([['pods', ONE]]);
  for (const [name, amount] of requests) {
    const compute = COMPUTE.includes(name) || isHugePages(name);
    if (compute) usage.set(name, amount);
    if (compute || isExtendedResource(name) || name.startsWith(DEVICE_CLASS)) usage.set(REQUESTS + name, amount);
  }
  for (const name of COMPUTE) {
    const limit = limits.get(name);
    if (limit) usage.set(`limits.${name}`, limit);
  }
  return usage;
}

function unstated(names: readonly string[], { spec }: Pod): string | undefined {
  if (hasPodLevelResources(spec)) return undefined;
  const containersByName = new Map<string, Set<string>>();
  for (const { name, resources } of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    const stated = computeUsage(
      new Map(parseResources(resources?.requests)),
      new Map(parseResources(resources?.limits)),
    );
    for (const wanted of names)
      if (STATED.has(wanted) && !stated.has(wanted))
        containersByName.set(wanted, (containersByName.get(wanted) ?? new Set()).add(name));
  }
  if (containersByName.size === 0) return undefined;
  const missing = [...containersByName].map(([wanted, names]) => `${wanted} for: ${[...names].sort().join(',')}`);
  return `must specify ${missing.sort().join('; ')}`;
}

function isInScope(requirement: ScopedResourceSelectorRequirement, pod: Pod): boolean {
  switch (requirement.scopeName) {
    case 'Terminating':
      return isTerminating(pod);
    case 'NotTerminating':
      return !isTerminating(pod);
    case 'BestEffort':
      return qosClass(pod) === 'BestEffort';
    case 'NotBestEffort':
      return qosClass(pod) !== 'BestEffort';
    case 'PriorityClass':
      return matchesRequirement(requirement, pod.spec.priorityClassName ? [pod.spec.priorityClassName] : []);
    case 'CrossNamespacePodAffinity':
      return reachesOtherNamespaces(pod);
    default:
      return false;
  }
}

/** It has an end, of which it may be told. */
function isTerminating({ spec }: Pod): boolean {
  return (spec.activeDeadlineSeconds ?? -1) >= 0;
}

function reachesOtherNamespaces({ spec: { affinity } }: Pod): boolean {
  const terms: (PodAffinityTerm | undefined)[] = [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((a) => [
    ...(a?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(a?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) => weighted.podAffinityTerm),
  ]);
  return terms.some((term) => (term?.namespaces?.length ?? 0) > 0 || !!term?.namespaceSelector);
}
