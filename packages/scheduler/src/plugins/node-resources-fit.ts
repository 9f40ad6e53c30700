import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import type { DeviceClass } from '@keelson/api/generated/types/resource/v1';
import { isExtendedResource } from '@keelson/api/resources/names';
import type { NodeInfo } from '../cache/node-info.ts';
import type { NodeResourcesFitArgs } from '../config/types.ts';
import { deviceUse, deviceUseParts } from '../devices/device-use.ts';
import { classConcerns, type DeviceResources, deviceResources } from '../devices/extended-resources.ts';
import { Action, clusterEvent } from '../framework/events.ts';
import type { Plugin, PluginContext } from '../framework/plugin.ts';
import { type Rejection, rejection } from '../framework/status.ts';
import { PodInfo } from '../pods/pod-info.ts';
import { amountsOf } from '../pods/requests.ts';
import { Resources } from '../pods/resources.ts';
import { podAmounts, resourceScorer, type Scored } from './resource-scoring.ts';

const name = 'NodeResourcesFit';

/** What is missing on a node. `hopeless`: even empty it would not have it. */
interface Shortage {
  readonly reason: string;
  readonly hopeless: boolean;
}

/** What a pod asks for. */
interface Asked {
  readonly amounts: Resources;
  /** What devices stand for on nodes that do not have it by themselves: it is asked of them. */
  readonly ofDevices: DeviceResources | undefined;
}

/** Nodes need room for what the pod asks for; the scoring strategy says whether full or empty ones are better. */
export function nodeResourcesFit(
  args: NodeResourcesFitArgs,
  context: Pick<PluginContext, 'listers' | 'isEnabled'>,
): Plugin<Asked, Scored> {
  const { resources } = args.scoringStrategy;
  const parts = deviceUseParts(context);
  const { classes } = parts;
  const score = resourceScorer(args.scoringStrategy);
  const ignored = ignoring(args);
  const counted = ({ requests }: PodInfo): Resources => {
    if (!requests.scalars || !ignored) return requests;
    const amounts = requests.clone();
    for (const resource of requests.scalars.keys()) if (ignored(resource)) amounts.scalars!.delete(resource);
    return amounts;
  };
  const asked = (pod: PodInfo): Asked => {
    const amounts = counted(pod);
    return { amounts, ofDevices: deviceResources(amounts, classes) };
  };
  return {
    name,
    sign: ({ requests }) => ({ requests }),
    preFilter: (pod) => ({ state: asked(pod) }),
    filter: (_, node, wanted) => (fits(wanted, node) ? undefined : shortageOn(wanted, node)),
    preScore: (pod) => ({
      state: { amounts: podAmounts(pod, resources, true), devices: deviceUse(pod.requests, resources, parts) },
    }),
    score: (_, node, scored) => score(node, scored),
    events: () => [
      {
        event: clusterEvent('Pod', Action.delete | Action.podScaleDown),
        helps: (pod, old, now) => podLeavesRoom(pod, old as Pod, now as Pod | undefined),
      },
      {
        event: clusterEvent('Node', Action.add | Action.nodeAllocatable),
        helps: (pod, old, now) => nodeHasRoom(asked(pod), old as Node | undefined, now as Node),
      },
      {
        event: clusterEvent('resource.k8s.io/DeviceClass', Action.add | Action.update),
        helps: (pod, old, now) => classConcerns(pod.requests, old as DeviceClass | undefined, now as DeviceClass),
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
function fits({ amounts: asked, ofDevices }: Asked, { pods, allocatable, requested }: NodeInfo): boolean {
  if (pods.length + 1 > allocatable.pods) return false;
  if (asked.milliCpu > 0 && asked.milliCpu > allocatable.milliCpu - requested.milliCpu) return false;
  if (asked.memory > 0 && asked.memory > allocatable.memory - requested.memory) return false;
  const storage = asked.ephemeralStorage;
  if (storage > 0 && storage > allocatable.ephemeralStorage - requested.ephemeralStorage) return false;
  if (asked.scalars) {
    for (const [resource, amount] of asked.scalars) {
      if (amount <= 0 || amount <= allocatable.scalar(resource) - requested.scalar(resource)) continue;
      if (!isLeftToDevices(resource, ofDevices, allocatable)) return false;
    }
  }
  return true;
}

function isLeftToDevices(resource: string, ofDevices: DeviceResources | undefined, allocatable: Resources): boolean {
  return ofDevices?.has(resource) === true && allocatable.scalar(resource) === 0;
}

const rejections = new Map<string, Rejection>();

function shortageOn(asked: Asked, node: NodeInfo): Rejection {
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

function* shortagesOn({ amounts: asked, ofDevices }: Asked, node: NodeInfo): Iterable<Shortage> {
  const { pods, allocatable, requested } = node;
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
    if (isLeftToDevices(resource, ofDevices, allocatable)) continue;
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
function nodeHasRoom({ amounts: asked, ofDevices }: Asked, old: Node | undefined, now: Node): boolean {
  const after = Resources.of(amountsOf(now.status.allocatable));
  const scalars = [...(asked.scalars ?? [])].filter(([, amount]) => amount > 0);
  const enough =
    after.pods >= 1 &&
    asked.milliCpu <= after.milliCpu &&
    asked.memory <= after.memory &&
    asked.ephemeralStorage <= after.ephemeralStorage &&
    scalars.every(
      ([resource, amount]) => amount <= after.scalar(resource) || isLeftToDevices(resource, ofDevices, after),
    );
  if (!enough || !old) return enough;
  const before = Resources.of(amountsOf(old.status.allocatable));
  return (
    after.pods > before.pods ||
    (asked.milliCpu > 0 && after.milliCpu > before.milliCpu) ||
    (asked.memory > 0 && after.memory > before.memory) ||
    (asked.ephemeralStorage > 0 && after.ephemeralStorage > before.ephemeralStorage) ||
    scalars.some(
      ([resource]) => after.scalar(resource) > before.scalar(resource) || isLeftToDevices(resource, ofDevices, after),
    )
  );
}
