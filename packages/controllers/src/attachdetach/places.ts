/** Where volumes are, as attachments and nodes tell. */
import type { Node, PersistentVolume } from '@keelson/api/generated/types/core/v1';
import type { VolumeAttachment } from '@keelson/api/generated/types/storage/v1';
import { nameOfVolume } from '@keelson/api/resources/attachments';
import type { Informer, Lister } from '@keelson/client';

/** Volumes by what nodes call them; nodes by the volumes that they tell of; attachments by their volume. */
export const VOLUME = 'volume';
const NODE = 'node';

export interface Stores {
  readonly nodes: Lister<Node>;
  readonly volumes: Lister<PersistentVolume>;
  readonly attachments: Lister<VolumeAttachment>;
}

const byNode = ({ spec }: VolumeAttachment) => [spec.nodeName];
const byVolume = ({ spec }: VolumeAttachment) => [spec.source.persistentVolumeName ?? []].flat();
const byReport = ({ status }: Node) => (status?.volumesAttached ?? []).map(({ name }) => name);

export function indexAttachments(attachments: Informer<VolumeAttachment>): void {
  attachments.addIndex(NODE, byNode);
  attachments.addIndex(VOLUME, byVolume);
}

export function indexReports(nodes: Informer<Node>): void {
  nodes.addIndex(VOLUME, byReport);
}

/** The attachments on a node. */
function attachmentsOn({ attachments }: Stores, node: string): VolumeAttachment[] {
  return attachments.byIndex(NODE, node);
}

/** Names of the volumes that are attached to a node, as far as they are known still. */
export function attachedTo(stores: Stores, node: string): string[] {
  return attachmentsOn(stores, node).flatMap(({ spec }) => {
    const volume = stores.volumes.get(spec.source.persistentVolumeName ?? '');
    return [(volume && nameOfVolume(volume)) ?? []].flat();
  });
}

/** Nodes that a volume may be on. */
export function nodesWith({ nodes, volumes, attachments }: Stores, name: string): string[] {
  const attached = volumes
    .byIndex(VOLUME, name)
    .flatMap(({ metadata }) => attachments.byIndex(VOLUME, metadata.name!))
    .map(({ spec }) => spec.nodeName);
  return [...new Set([...attached, ...nodes.byIndex(VOLUME, name).map(({ metadata }) => metadata.name!)])];
}
