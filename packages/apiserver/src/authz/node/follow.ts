/** Keeps the graph of nodes in step with the stored objects. */
import type { PodCertificateRequest } from '@keelson/api/generated/types/certificates/v1beta1';
import type { PersistentVolume, Pod } from '@keelson/api/generated/types/core/v1';
import type { ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import type { VolumeAttachment } from '@keelson/api/generated/types/storage/v1';
import type { TypedObject } from '@keelson/api/object';
import { follow } from '../../registry/follow.ts';
import type { Resources } from '../../resources.ts';
import type { NodeGraph } from './graph.ts';

/** Resolves when the graph holds what is stored of the resources that are served. */
export async function followNodes(graph: NodeGraph, resources: Resources): Promise<void> {
  const of = <T extends TypedObject>(
    group: string,
    resource: string,
    set: (object: T) => void,
    remove: (namespace: string, name: string) => void,
  ): Promise<unknown> | undefined => {
    const store = resources.storeIfServed(group, resource);
    return store && follow<T>(store, { set, delete: remove });
  };
  await Promise.all([
    of<Pod>(
      '',
      'pods',
      (o) => graph.setPod(o),
      (namespace, name) => graph.deletePod(namespace, name),
    ),
    of<PersistentVolume>(
      '',
      'persistentvolumes',
      (o) => graph.setVolume(o),
      (_, name) => graph.deleteVolume(name),
    ),
    of<VolumeAttachment>(
      'storage.k8s.io',
      'volumeattachments',
      (o) => graph.setAttachment(o),
      (_, name) => graph.deleteAttachment(name),
    ),
    of<ResourceSlice>(
      'resource.k8s.io',
      'resourceslices',
      (o) => graph.setSlice(o),
      (_, name) => graph.deleteSlice(name),
    ),
    of<PodCertificateRequest>(
      'certificates.k8s.io',
      'podcertificaterequests',
      (o) => graph.setCertificateRequest(o),
      (namespace, name) => graph.deleteCertificateRequest(namespace, name),
    ),
  ]);
}
