import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import { isExtendedResource } from '@keelson/api/resources/names';
import type { NodeInfo } from '../cache/node-info.ts';
import type { NodeResourcesFitArgs } from '../config/types.ts';
import { Action, clusterEvent } from '../framework/events.ts';
import type { Plugin } from '../framework/plugin.ts';
import { type Rejection, rejection } from '../framework/status.ts';
import { PodInfo } from '../pods/pod-info.ts';
import { amountsOf } from '../pods/requests.ts';
import { Resources } from '../pods/resources.ts';
import { podAmounts, resourceScorer } from './resource-scoring.ts';

const name = 'NodeResourcesFit';

/** What is missing on a node. `hopeless`: even empty it would not have it. */
interface Shortage {
  readonly reason: string;
  readonly hopeless: boolean;
}

/** Nodes need room for what the pod asks for; the scoring strategy says whether full or empty ones are better. */
export function nodeResourcesFit(args: NodeResourcesFitArgs): Plugin<Resources, readonly number[]> {
  const { resources } = args.scoringStrategy;
  const score = resourceScorer(args.scoringStrategy);
  const ignored = ignoring(args);
  const asked = (pod: PodInfo): Resources => {
    const { requests } = pod;
    if (!requests.scalars || !ignored) return requests;
    const counted = requests.clone();
    for (const resource of requests.scalars.keys()) if (ignored(resource)) counted.scalars!.delete(resource);
    return counted;
  };
  return {
    name,
    preFilter: (pod) => ({ state: asked(pod) }),
    filter: (_, node, requests) => (fits(requests, node) ? undefined : shortageOn(requests, node)),
    preScore: (pod) => ({ state: podAmounts(pod, resources, true) }),
    score: (_, node, amounts) => score(node, amounts),
    events: () => [
      {
        event: clusterEvent('Pod', Action.delete | Action.podScaleDown),
        helps: (pod, old, now) => podLeavesRoom(pod, old as Pod, now as Pod | undefined),
      },
      {
        event: clusterEvent('Node', Action.add | Action.nodeAllocatable),
        helps: (pod, old, now) => nodeHasRoom(asked(pod), old as Node | undefined, now as Node),
      },
    ],
  };
}

function ignoring({ ignoredResources, ignoredResourceGroups }: NodeResourcesFitArgs) {
  if (ignoredResources.length + ignoredResourceGroups.length === 0) return undefined;
  return (resource: string) =>
    isExtendedResource(resource) &&
    (ignoredResources.includes(resource) || ignoredResourceGroups.includes(resource.split('/')[0]!));
}

/** What runs for each node: compares numbers, and makes nothing. */
function fits(asked: Resources, { pods, allocatable, requested }: NodeInfo): boolean {
  if (pods.length + 1 > allocatable.pods) return false;
  if (asked.milliCpu > 0 && asked.milliCpu > allocatable.milliCpu - requested.milliCpu) return false;
  if (asked.memory > 0 && asked.memory > allocatable.memory - requested.memory) return false;
  const storage = asked.ephemeralStorage;
  if (storage > 0 && storage > allocatable.ephemeralStorage - requested.ephemeralStorage) return false;
  if (asked.scalars) {
    for (const [resource, amount] of asked.scalars) {
      if (amount > 0 && amount > allocatable.scalar(resource) - requested.scalar(resource)) return false;
    }
  }
  return true;
}

const rejections = new Map<string, Rejection>();

function shortageOn(asked: Resources, node: NodeInfo): Rejection {
  const shortages = [...shortagesOn(asked, node)];
  const hopeless = shortages.some((each) => each.hopeless);
  const key = `${hopeless}/${shortages.map(({ reason }) => reason).join('/')}`;
  let known = rejections.get(key);
  if (!known) {
    const code = hopeless ? 'UnschedulableAndUnresolvable' : 'Unschedulable';
    known = rejection(name, code, ...shortages.map(({ reason }) => reason));
    if (rejections.size < 1000) rejections.set(key, known);
  }
  return known;
}

function* shortagesOn(asked: Resources, { pods, allocatable, requested }: NodeInfo): Iterable<Shortage> {
  if (pods.length + 1 > allocatable.pods) yield { reason: 'Too many pods', hopeless: false };
  if (asked.nothing) return;
  const fixed = [
    ['cpu', asked.milliCpu, allocatable.milliCpu, requested.milliCpu],
    ['memory', asked.memory, allocatable.memory, requested.memory],
    ['ephemeral-storage', asked.ephemeralStorage, allocatable.ephemeralStorage, requested.ephemeralStorage],
  ] as const;
  for (const [resource, amount, capacity, used] of fixed) {
    if (amount > 0 && amount > capacity - used) {
      yield { reason: `Insufficient ${resource}`, hopeless: amount > capacity };
    }
  }
  for (const [resource, amount] of asked.scalars ?? []) {
    const capacity = allocatable.scalar(resource);
    if (amount > 0 && amount > capacity - requested.scalar(resource)) {
      yield { reason: `Insufficient ${resource}`, hopeless: amount > capacity };
    }
  }
}

function podLeavesRoom(pod: PodInfo, old: Pod, now: Pod | undefined): boolean {
  if (!now) return Boolean(old.spec.nodeName || old.status.nominatedNodeName);
  if (now.metadata.uid === pod.uid) return true;
  if (!now.spec.nodeName) return false;
  const [before, after, asked] = [new PodInfo(old).requests, new PodInfo(now).requests, pod.requests];
  if (asked.milliCpu > 0 && before.milliCpu > after.milliCpu) return true;
  if (asked.memory > 0 && before.memory > after.memory) return true;
  if (asked.ephemeralStorage > 0 && before.ephemeralStorage > after.ephemeralStorage) return true;
  for (const [resource, amount] of asked.scalars ?? []) {
    if (amount > 0 && before.scalar(resource) > after.scalar(resource)) return true;
  }
  return false;
}

/** Whether the node, were it empty, would do, and has become larger where the pod needs it. */
function nodeHasRoom(asked: Resources, old: Node | undefined, now: Node): boolean {
  const after = Resources.of(amountsOf(now.status.allocatable));
  const scalars = [...(asked.scalars ?? [])].filter(([, amount]) => amount > 0);
  const enough =
    after.pods >= 1 &&
    asked.milliCpu <= after.milliCpu &&
    asked.memory <= after.memory &&
    asked.ephemeralStorage <= after.ephemeralStorage &&
    scalars.every(([resource, amount]) => amount <= after.scalar(resource));
  if (!enough || !old) return enough;
  const before = Resources.of(amountsOf(old.status.allocatable));
  return (
    after.pods > before.pods ||
    (asked.milliCpu > 0 && after.milliCpu > before.milliCpu) ||
    (asked.memory > 0 && after.memory > before.memory) ||
    (asked.ephemeralStorage > 0 && after.ephemeralStorage > before.ephemeralStorage) ||
    scalars.some(([resource]) => after.scalar(resource) > before.scalar(resource))
  );
}
