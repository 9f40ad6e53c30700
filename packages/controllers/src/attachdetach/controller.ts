/**
 * Has volumes attached to the nodes whose pods use them, and detached from others (pkg/controller/volume/attachdetach).
 * Drivers do it: they are told by VolumeAttachments, and kubelets by the status of their node.
 *
 *     wanted ─▶ VolumeAttachment ─▶ attached ─▶ node.status.volumesAttached ─▶ (kubelet mounts, volumesInUse)
 *     not wanted, not in use ─▶ out of node.status.volumesAttached ─▶ VolumeAttachment deleted ─▶ (driver detaches) ─▶ gone
 */
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import type { VolumeAttachment } from '@keelson/api/generated/types/storage/v1';
import { nameOfVolume, parseUniqueName } from '@keelson/api/resources/attachments';
import { storeKey, WorkQueue } from '@keelson/client';
import { together } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { indexByNode, podInformer, podsOn } from '../pods/informer.ts';
import { INDEX as CLAIM, claimsOf } from '../protection/claims.ts';
import { runQueue } from '../work.ts';
import { Attacher } from './attacher.ts';
import { Desired } from './desired.ts';
import { AttachMetrics } from './metrics.ts';
import { attachedTo, indexAttachments, indexReports, VOLUME } from './places.ts';

export async function start(context: ControllerContext) {
  const { informers, world } = context;
  const pods = podInformer(informers);
  const nodes = informers.informer('nodes');
  const claims = informers.informer('persistentvolumeclaims');
  const volumes = informers.informer('persistentvolumes');
  const drivers = informers.informer('csidrivers.storage.k8s.io');
  const attachments = informers.informer('volumeattachments.storage.k8s.io');
  pods.addIndex(CLAIM, claimsOf);
  indexByNode(pods);
  indexAttachments(attachments);
  indexReports(nodes);
  volumes.addIndex(VOLUME, (volume) => [nameOfVolume(volume) ?? []].flat());
  const known = { nodes: nodes.store, claims: claims.store, volumes: volumes.store, drivers: drivers.store };
  const desired = new Desired(known);
  const queue = new WorkQueue<string>(world, 'attach_detach');
  const reports = new WorkQueue<string>(world, 'attach_detach_reports');
  const report = (node: string) => reports.add(node);
  const stores = { nodes: nodes.store, volumes: volumes.store, attachments: attachments.store };
  const metrics = new AttachMetrics(context.metrics, { pods: pods.store, desired, known, stores });
  const attacher = new Attacher({ context, desired, stores, metrics, report });

  const enqueue = (names: Iterable<string>) => {
    for (const name of names) queue.add(name);
  };
  const look = (pod: Pod) => {
    if (pod.spec.nodeName) enqueue(desired.look(pod));
  };
  pods.addHandler({
    added: look,
    updated: (_, pod) => look(pod),
    deleted: (pod) => enqueue(desired.forget(pod)),
  });
  const lookAtUsers = (claim: PersistentVolumeClaim) => pods.store.byIndex(CLAIM, storeKey(claim)).forEach(look);
  claims.addHandler({ added: lookAtUsers, updated: (_, claim) => lookAtUsers(claim) });
  const lookAtVolume = (volume: PersistentVolume) => {
    const { namespace, name } = volume.spec?.claimRef ?? {};
    pods.store.byIndex(CLAIM, `${namespace}/${name}`).forEach(look);
    enqueue([nameOfVolume(volume) ?? []].flat());
  };
  volumes.addHandler({ added: lookAtVolume, updated: (_, volume) => lookAtVolume(volume) });
  const lookAtAll = () => pods.store.list().forEach(look);
  drivers.addHandler({ added: lookAtAll, updated: lookAtAll, deleted: lookAtAll });
  const lookAtNode = (node: Node) => {
    podsOn(pods, node.metadata.name!).forEach(look);
    const { volumesAttached, volumesInUse } = node.status ?? {};
    const named = [...(volumesAttached ?? []).map(({ name }) => name), ...(volumesInUse ?? [])];
    enqueue([...named.filter(parseUniqueName), ...attachedTo(stores, node.metadata.name!)]);
    report(node.metadata.name!);
  };
  nodes.addHandler({
    added: lookAtNode,
    updated: (old, node) => mattersOf(old) !== mattersOf(node) && lookAtNode(node),
    deleted: lookAtNode,
  });
  const lookAtAttachment = ({ spec }: VolumeAttachment) => {
    const volume = volumes.store.get(spec.source.persistentVolumeName ?? '');
    enqueue([(volume && nameOfVolume(volume)) ?? []].flat());
    report(spec.nodeName);
  };
  attachments.addHandler({
    added: lookAtAttachment,
    updated: (_, attachment) => lookAtAttachment(attachment),
    deleted: lookAtAttachment,
  });

  const all = [pods, nodes, claims, volumes, drivers, attachments];
  return together([
    runQueue(context, { queue, informers: all, workers: 8, reconcile: (name) => attacher.reconcile(name) }),
    runQueue(context, { queue: reports, informers: all, workers: 8, reconcile: (node) => attacher.report(node) }),
  ]);
}

/** What counts of a node here: its status changes often. */
function mattersOf({ metadata, spec, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  const { volumesAttached, volumesInUse } = status ?? {};
  return JSON.stringify([metadata.uid, metadata.annotations, spec?.taints, ready, volumesAttached, volumesInUse]);
}
