/** Changes of the cluster that may let a pod be scheduled which could not be before (pkg/scheduler/framework/events.go). */
import { isDeepStrictEqual } from 'node:util';
import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import { podRequests } from '../pods/requests.ts';

/** Bits, so that a plugin can register for several at once. */
export const Action = {
  add: 1 << 0,
  delete: 1 << 1,
  nodeAllocatable: 1 << 2,
  nodeLabel: 1 << 3,
  nodeTaint: 1 << 4,
  nodeCondition: 1 << 5,
  nodeAnnotation: 1 << 6,
  nodeDeclaredFeature: 1 << 7,
  podLabel: 1 << 8,
  podScaleDown: 1 << 9,
  podToleration: 1 << 10,
  podGatesEliminated: 1 << 11,
  podGeneratedClaim: 1 << 12,
  update: ((1 << 13) - 1) & ~0b11,
  all: (1 << 13) - 1,
} as const;

const ACTION_LABELS = new Map<number, string>([
  [Action.add, 'Add'],
  [Action.delete, 'Delete'],
  [Action.nodeAllocatable, 'UpdateNodeAllocatable'],
  [Action.nodeLabel, 'UpdateNodeLabel'],
  [Action.nodeTaint, 'UpdateNodeTaint'],
  [Action.nodeCondition, 'UpdateNodeCondition'],
  [Action.nodeAnnotation, 'UpdateNodeAnnotation'],
  [Action.nodeDeclaredFeature, 'UpdateNodeDeclaredFeature'],
  [Action.podLabel, 'UpdatePodLabel'],
  [Action.podScaleDown, 'UpdatePodScaleDown'],
  [Action.podToleration, 'UpdatePodToleration'],
  [Action.podGatesEliminated, 'UpdatePodSchedulingGatesEliminated'],
  [Action.podGeneratedClaim, 'UpdatePodGeneratedResourceClaim'],
  [Action.update, 'Update'],
  [Action.all, 'All'],
]);

export type EventResource =
  | 'Pod'
  /** A pod that has a node; plugins that register for `Pod` hear of it too. */
  | 'AssignedPod'
  | 'UnschedulablePod'
  | 'Node'
  | 'PersistentVolume'
  | 'PersistentVolumeClaim'
  | 'storage.k8s.io/CSINode'
  | 'storage.k8s.io/CSIDriver'
  | 'storage.k8s.io/VolumeAttachment'
  | 'storage.k8s.io/CSIStorageCapacity'
  | 'storage.k8s.io/StorageClass'
  | 'resource.k8s.io/ResourceClaim'
  | 'resource.k8s.io/ResourceSlice'
  | 'resource.k8s.io/DeviceClass'
  | '*';

export interface ClusterEvent {
  readonly resource: EventResource;
  readonly action: number;
  /** In metrics. */
  readonly label: string;
}

export function clusterEvent(resource: EventResource, action: number, label?: string): ClusterEvent {
  return { resource, action, label: label ?? `${resource}${ACTION_LABELS.get(action) ?? ''}` };
}

export const assignedPodAdd = clusterEvent('AssignedPod', Action.add);
export const assignedPodDelete = clusterEvent('AssignedPod', Action.delete);
export const unscheduledPodAdd = clusterEvent('UnschedulablePod', Action.add);
export const unscheduledPodUpdate = clusterEvent('UnschedulablePod', Action.update);
export const unschedulableTimeout = clusterEvent('*', Action.all, 'UnschedulableTimeout');
export const forceActivate = clusterEvent('*', Action.all, 'ForceActivate');

/** Labels of moves that no event of the cluster causes. */
export const scheduleAttemptFailure = 'ScheduleAttemptFailure';
export const backoffComplete = 'BackoffComplete';
export const popFromBackoff = 'PopFromBackoffQ';

export function isWildcard({ resource, action }: ClusterEvent): boolean {
  return resource === '*' && action === Action.all;
}

/** Whether who registered for one event is to hear of another. */
export function matches(registered: ClusterEvent, incoming: ClusterEvent): boolean {
  if (isWildcard(registered)) return true;
  const { resource } = registered;
  const concerns =
    resource === '*' ||
    resource === incoming.resource ||
    (resource === 'Pod' && (incoming.resource === 'AssignedPod' || incoming.resource === 'UnschedulablePod'));
  return concerns && (registered.action & incoming.action) !== 0 && incoming.action <= registered.action;
}

/** What of a pod's update concerns scheduling; an update of something else is one event, too. */
export function podEvents(old: Pod, pod: Pod): ClusterEvent[] {
  const resource = pod.spec.nodeName ? 'AssignedPod' : 'UnschedulablePod';
  const actions: number[] = [];
  if (!sameLabels(old.metadata.labels, pod.metadata.labels)) actions.push(Action.podLabel);
  if (isScaledDown(old, pod)) actions.push(Action.podScaleDown);
  if (old.spec.schedulingGates?.length && !pod.spec.schedulingGates?.length) actions.push(Action.podGatesEliminated);
  if (old.spec.tolerations?.length !== pod.spec.tolerations?.length) actions.push(Action.podToleration);
  if (
    !isDeepStrictEqual(old.status.resourceClaimStatuses, pod.status.resourceClaimStatuses) ||
    !isDeepStrictEqual(old.status.extendedResourceClaimStatus, pod.status.extendedResourceClaimStatus)
  ) {
    actions.push(Action.podGeneratedClaim);
  }
  if (actions.length === 0) actions.push(Action.update);
  return actions.map((action) => clusterEvent(resource, action));
}

/** What of a node's update concerns scheduling; most heartbeats do not. */
export function nodeEvents(old: Node, node: Node): ClusterEvent[] {
  const actions: number[] = [];
  if (old.spec.unschedulable && !node.spec.unschedulable) actions.push(Action.nodeTaint);
  if (!isDeepStrictEqual(old.status.allocatable, node.status.allocatable)) actions.push(Action.nodeAllocatable);
  if (!sameLabels(old.metadata.labels, node.metadata.labels)) actions.push(Action.nodeLabel);
  if (!isDeepStrictEqual(old.spec.taints ?? [], node.spec.taints ?? [])) actions.push(Action.nodeTaint);
  if (!isDeepStrictEqual(conditions(old), conditions(node))) actions.push(Action.nodeCondition);
  if (!sameLabels(old.metadata.annotations, node.metadata.annotations)) actions.push(Action.nodeAnnotation);
  if (!isDeepStrictEqual(old.status.declaredFeatures ?? [], node.status.declaredFeatures ?? [])) {
    actions.push(Action.nodeDeclaredFeature);
  }
  return actions.map((action) => clusterEvent('Node', action));
}

function conditions({ status }: Node): Map<string, string> {
  return new Map(status.conditions?.map((condition) => [condition.type, condition.status]));
}

type Labels = Record<string, string> | undefined;

export function sameLabels(a: Labels = {}, b: Labels = {}): boolean {
  return a === b || isDeepStrictEqual(a, b);
}

function isScaledDown(old: Pod, pod: Pod): boolean {
  if (old.spec.containers === pod.spec.containers && old.status === pod.status) return false;
  const now = podRequests(pod);
  for (const [resource, amount] of podRequests(old)) {
    const left = now.get(resource);
    if (left === undefined || left < amount) return true;
  }
  return false;
}
