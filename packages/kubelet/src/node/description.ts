/** What a node says of itself (pkg/kubelet/nodestatus/setters.go). Functions: times are given. */

import { aggregateText } from '@keelson/api/aggregate';
import type { Node, NodeCondition, NodeStatus, Taint } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { HUGE_PAGES, isHugePages } from '@keelson/api/resources/names';
import { KUBERNETES_VERSION } from '@keelson/component/version';
import type { DeviceCapacity } from '../devices/inventory.ts';
import type { IsEnabled } from '../gates.ts';
import type { Image } from '../runtime/images.ts';
import type { RuntimeStatus, RuntimeVersion } from '../runtime/runtime.ts';
import type { Machine } from './machine.ts';

export interface NodeConfiguration {
  /** Its hostname too. */
  readonly name: string;
  /** The primary one first. */
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly maxPods: number;
  readonly providerId: string;
  /** What pods cannot have of each resource: for the system, for Kubernetes, for evictions. */
  readonly reserved: Readonly<Record<string, string>>;
  /** Resources beside those of the machine, or in their place. */
  readonly capacity: Readonly<Record<string, string>>;
  readonly serverPort: number;
  /** So many images are told, the biggest; -1: all. */
  readonly maxImages: number;
  readonly isEnabled: IsEnabled;
}

export interface NodeFacts {
  readonly machine: Machine;
  readonly version: RuntimeVersion;
  readonly runtime: RuntimeStatus;
  readonly images: readonly Image[];
  /** Why it takes no pods; undefined where it does. */
  readonly notReady: string | undefined;
  /** What it runs out of. */
  readonly pressures: readonly Pressure[];
  /** Volumes that must not be detached; undefined as long as nobody knows. */
  readonly volumesInUse?: readonly string[] | undefined;
  /** What plugins have. */
  readonly devices?: DeviceCapacity | undefined;
}

export type Pressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';

const MAX_IMAGE_NAMES = 5;

/** As it is registered. */
export function describeNode(configuration: NodeConfiguration, facts: NodeFacts, now: string): Node {
  const { name, labels, annotations, taints, providerId } = configuration;
  const { os, architecture } = facts.machine;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: { ...defaultLabels(name, os, architecture), ...labels },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true', ...annotations },
    },
    spec: { ...(taints.length > 0 ? { taints: [...taints] } : {}), ...(providerId ? { providerID: providerId } : {}) },
    status: describeStatus(configuration, facts, undefined, now),
  };
}

/** Kept on the node whoever takes them away. */
export function defaultLabels(name: string, os: string, architecture: string): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': architecture,
    'beta.kubernetes.io/os': os,
    'kubernetes.io/arch': architecture,
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': os,
  };
}

/**
 * What the kubelet says of its node. @param old what stood there before: what others have said stays. @param now as the
 * API writes times
 */
export function describeStatus(
  { name, addresses, maxPods, reserved, capacity, serverPort, maxImages, isEnabled }: NodeConfiguration,
  { machine, version, runtime, images, notReady, pressures, volumesInUse, devices }: NodeFacts,
  old: NodeStatus | undefined,
  now: string,
): NodeStatus {
  const has: Record<string, string> = {
    ...capacityOf(machine),
    pods: String(maxPods),
    ...capacity,
    ...devices?.capacity,
  };
  const own = Object.fromEntries(Object.entries(has).map(([name, text]) => [name, Quantity.parse(text).toString()]));
  const all = { ...ofOthers(old?.capacity), ...own };
  const inPages = Object.entries(all).filter(([name]) => isHugePages(name));
  const allocatable = Object.fromEntries(Object.entries(all).map(([name, text]) => [name, left(text, reserved[name])]));
  return {
    addresses: [...addresses.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: name }],
    allocatable: {
      ...allocatable,
      // What is in huge pages is no other memory.
      memory: inPages.reduce((memory, [, pages]) => left(memory, pages), allocatable.memory!),
      ...devices?.allocatable,
    },
    capacity: all,
    conditions: conditionsOf(notReady, pressures, old?.conditions ?? [], now),
    daemonEndpoints: serverPort > 0 ? { kubeletEndpoint: { Port: serverPort } } : { kubeletEndpoint: { Port: 0 } },
    ...(isEnabled('NodeDeclaredFeatures') ? { declaredFeatures: DECLARED_FEATURES.filter(isEnabled) } : {}),
    features: { supplementalGroupsPolicy: runtime.supplementalGroupsPolicy },
    ...(images.length > 0 || old?.images ? { images: told(images, maxImages) } : {}),
    nodeInfo: {
      architecture: machine.architecture,
      bootID: machine.bootId,
      containerRuntimeVersion: `${version.name}://${version.version}`,
      kernelVersion: machine.kernel,
      kubeProxyVersion: '',
      kubeletVersion: KUBERNETES_VERSION.gitVersion,
      machineID: machine.machineId,
      operatingSystem: machine.os,
      osImage: machine.osImage,
      ...(machine.swapBytes > 0 ? { swap: { capacity: machine.swapBytes } } : {}),
      systemUUID: machine.systemUuid,
    },
    runtimeHandlers: runtime.handlers.map(({ name, recursiveReadOnlyMounts, userNamespaces }) => ({
      name,
      features: { recursiveReadOnlyMounts, userNamespaces },
    })),
    ...(volumesInUse?.length || (volumesInUse && old?.volumesInUse?.length) ? { volumesInUse: [...volumesInUse] } : {}),
  };
}

/** What the machine has itself. */
export function capacityOf({ cpus, storageBytes, memoryBytes, hugePages }: Machine): Record<string, string> {
  const pages = Array.from(hugePages, ([size, bytes]) => {
    return [`${HUGE_PAGES}${Quantity.of(size, 'BinarySI')}`, Quantity.of(bytes, 'BinarySI').toString()] as const;
  });
  return {
    cpu: String(cpus),
    'ephemeral-storage': `${Math.floor(storageBytes / 1024)}Ki`,
    ...Object.fromEntries(pages),
    memory: `${Math.floor(memoryBytes / 1024)}Ki`,
  };
}

/** What pods may need of a kubelet that older ones have not, each a gate (component-helpers/nodedeclaredfeatures). */
const DECLARED_FEATURES = [
  'ExtendWebSocketsToKubelet',
  'InPlacePodLevelResourcesVerticalScaling',
  'InPlacePodVerticalScalingInitContainers',
  'RestartAllContainersOnContainerExits',
] as const;

/** Resources that somebody else has told of stay: pods can have them all. */
function ofOthers(capacity: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(capacity).filter(([name]) => !isHugePages(name)));
}

function left(capacity: string, reserved: string | undefined): string {
  if (!reserved) return capacity;
  const rest = Quantity.parse(capacity).sub(Quantity.parse(reserved));
  return rest.sign() < 0 ? '0' : rest.toString();
}

/** What is said of each where there is enough, and where there is not. */
const PRESSURES: Readonly<
  Record<Pressure, Readonly<Record<'without' | 'under', { reason: string; message: string }>>>
> = {
  MemoryPressure: {
    without: { reason: 'KubeletHasSufficientMemory', message: 'kubelet has sufficient memory available' },
    under: { reason: 'KubeletHasInsufficientMemory', message: 'kubelet has insufficient memory available' },
  },
  DiskPressure: {
    without: { reason: 'KubeletHasNoDiskPressure', message: 'kubelet has no disk pressure' },
    under: { reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' },
  },
  PIDPressure: {
    without: { reason: 'KubeletHasSufficientPID', message: 'kubelet has sufficient PID available' },
    under: { reason: 'KubeletHasInsufficientPID', message: 'kubelet has insufficient PID available' },
  },
};

function pressureConditions(pressures: readonly Pressure[]) {
  return (Object.keys(PRESSURES) as Pressure[]).map((type) => {
    const isUnder = pressures.includes(type);
    return { type, status: isUnder ? 'True' : 'False', ...PRESSURES[type][isUnder ? 'under' : 'without'] };
  });
}

function conditionsOf(
  notReady: string | undefined,
  pressures: readonly Pressure[],
  old: readonly NodeCondition[],
  now: string,
): NodeCondition[] {
  const ready =
    notReady === undefined
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: notReady };
  const mine = [...pressureConditions(pressures), ready];
  const others = old.filter(({ type }) => !mine.some((condition) => condition.type === type));
  return [
    ...others,
    ...mine.map((condition) => {
      const before = old.find(({ type }) => type === condition.type);
      const lastTransitionTime = before?.status === condition.status ? (before.lastTransitionTime ?? now) : now;
      return { ...condition, lastHeartbeatTime: now, lastTransitionTime };
    }),
  ];
}

function told(images: readonly Image[], max: number) {
  const sorted = [...images].sort((a, b) => b.size - a.size || (a.id < b.id ? 1 : -1));
  return (max < 0 ? sorted : sorted.slice(0, max)).map(({ tags, digests, size }) => ({
    names: [...digests, ...tags].slice(0, MAX_IMAGE_NAMES),
    sizeBytes: size,
  }));
}

/** Why the node takes no pods, in the words of its condition. @param others besides the runtime */
export function notReadyBecause({ conditions }: RuntimeStatus, ...others: readonly string[]): string | undefined {
  const ofRuntime = ['RuntimeReady', 'NetworkReady'].flatMap((type) => {
    const condition = conditions.find((each) => each.type === type);
    const what = type === 'RuntimeReady' ? 'container runtime not ready' : 'container runtime network not ready';
    if (!condition) return [`${what}: ${type} condition is not set`];
    if (condition.ok) return [];
    return [`${what}: ${type}=false reason:${condition.reason} message:${condition.message}`];
  });
  const problems = [...ofRuntime, ...others];
  return problems.length === 0 ? undefined : aggregateText(problems);
}

/** The problem that pods' networks have. */
export function networkProblem({ conditions }: RuntimeStatus): string | undefined {
  const network = conditions.find(({ type }) => type === 'NetworkReady');
  if (network?.ok) return undefined;
  return `container runtime network not ready: NetworkReady=false reason:${network?.reason ?? ''} message:${network?.message ?? ''}`;
}
