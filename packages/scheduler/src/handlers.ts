/** What informers tell goes to the cache and the queue (pkg/scheduler/eventhandlers.go). */
import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import { type InformerFactory, type ResourceName, resources, withoutManagedFields } from '@keelson/client';
import type { Cache } from './cache/cache.ts';
import type { Binder } from './cycle/binding.ts';
import {
  Action,
  assignedPodAdd,
  assignedPodDelete,
  clusterEvent,
  type EventResource,
  nodeEvents,
  podEvents,
} from './framework/events.ts';
import { PodInfo } from './pods/pod-info.ts';
import type { SchedulingQueue } from './queue/queue.ts';

/** Pods that have run to their end take no room. */
const POD_SELECTOR = 'status.phase!=Succeeded,status.phase!=Failed';

export interface HandlerParts {
  readonly cache: Cache;
  readonly queue: SchedulingQueue;
  readonly binder: Pick<Binder, 'giveUp'>;
  /** Whether pods that ask for this scheduler are ours. */
  readonly isOurs: (schedulerName: string | undefined) => boolean;
}

export function podsOf(informers: InformerFactory) {
  return informers.informer('pods', { fieldSelector: POD_SELECTOR, transform: withoutManagedFields });
}

export function handlePods(informers: InformerFactory, parts: HandlerParts): void {
  const { cache, queue, binder, isOurs } = parts;
  const ours = ({ spec }: Pod) => isOurs(spec.schedulerName);
  const assigned = (pod: Pod) => {
    cache.putPod(new PodInfo(pod));
    queue.move(assignedPodAdd, undefined, pod);
  };
  const assumedGone = (uid: string) => {
    const pod = cache.getPod(uid);
    if (!pod) return;
    if (!binder.giveUp(uid, 'removed')) cache.forget(uid);
    queue.move(assignedPodDelete, pod.pod, undefined);
  };
  podsOf(informers).addHandler({
    added(pod) {
      if (pod.spec.nodeName) assigned(pod);
      else if (ours(pod)) queue.add(pod);
    },
    updated(old, pod) {
      const uid = pod.metadata.uid!;
      if (old.spec.nodeName) {
        cache.putPod(new PodInfo(pod));
        for (const event of podEvents(old, pod)) queue.move(event, old, pod);
      } else if (pod.spec.nodeName) {
        assigned(pod);
        if (ours(old)) queue.delete(old);
      } else if (!ours(pod)) return;
      else if (cache.isAssumed(uid)) {
        if (pod.metadata.deletionTimestamp && !old.metadata.deletionTimestamp) assumedGone(uid);
      } else {
        queue.update(old, pod);
        const { nominatedNodeName: before } = old.status;
        if (before && before !== pod.status.nominatedNodeName) queue.nominationFreed(old);
      }
    },
    deleted(pod) {
      const uid = pod.metadata.uid!;
      if (pod.spec.nodeName) {
        cache.removePod(uid);
        queue.move(assignedPodDelete, pod, undefined);
        return;
      }
      if (!ours(pod)) return;
      queue.delete(pod);
      if (cache.isAssumed(uid)) assumedGone(uid);
      else if (pod.status.nominatedNodeName) queue.nominationFreed(pod);
    },
  });
}

export function handleNodes(informers: InformerFactory, { cache, queue }: HandlerParts): void {
  const added = clusterEvent('Node', Action.add);
  const deleted = clusterEvent('Node', Action.delete);
  informers.informer('nodes', { transform: withoutManagedFields }).addHandler({
    added(node: Node) {
      cache.putNode(node);
      queue.move(added, undefined, node);
    },
    updated(old, node) {
      const events = nodeEvents(old, node);
      if (events.length === 0 && old.status.images?.length === node.status.images?.length) return;
      cache.putNode(node);
      for (const event of events) queue.move(event, old, node);
    },
    deleted(node) {
      queue.move(deleted, node, undefined);
      cache.removeNode(node.metadata.name!);
    },
  });
}

const OTHERS: readonly (readonly [ResourceName, EventResource])[] = [
  ['persistentvolumes', 'PersistentVolume'],
  ['persistentvolumeclaims', 'PersistentVolumeClaim'],
  ['csinodes.storage.k8s.io', 'storage.k8s.io/CSINode'],
  ['csidrivers.storage.k8s.io', 'storage.k8s.io/CSIDriver'],
  ['volumeattachments.storage.k8s.io', 'storage.k8s.io/VolumeAttachment'],
  ['csistoragecapacities.storage.k8s.io', 'storage.k8s.io/CSIStorageCapacity'],
  ['storageclasses.storage.k8s.io', 'storage.k8s.io/StorageClass'],
  ['resourceclaims.resource.k8s.io', 'resource.k8s.io/ResourceClaim'],
  ['resourceslices.resource.k8s.io', 'resource.k8s.io/ResourceSlice'],
  ['deviceclasses.resource.k8s.io', 'resource.k8s.io/DeviceClass'],
];

/** Of other objects only their changes matter, and only those that a plugin waits for. */
export function handleOthers(
  informers: InformerFactory,
  { queue }: HandlerParts,
  isWanted: (resource: EventResource) => boolean,
): void {
  for (const [name, resource] of OTHERS) {
    if (!isWanted(resource)) continue;
    const [add, update, remove] = [Action.add, Action.update, Action.delete].map((each) =>
      clusterEvent(resource, each),
    );
    informers.informer<TypedObject>(resources[name], { transform: withoutManagedFields }).addHandler({
      added: (object) => queue.move(add!, undefined, object),
      updated: (old, object) => queue.move(update!, old, object),
      deleted: (object) => queue.move(remove!, object, undefined),
    });
  }
}
