/** What a volume of a pod means to its driver (getSourceFromSpec, NewMounter and NewBlockVolumeMapper in pkg/volume/csi). */
import { createHash } from 'node:crypto';
import type { PersistentVolume, Pod, Volume } from '@keelson/api/generated/types/core/v1';
import { uidOf } from '../../pods/spec.ts';

export interface SecretReference {
  readonly namespace: string;
  readonly name: string;
}

/** `Persistent`: of a claim. `Ephemeral`: written in the pod, made with it and gone with it. */
export type Lifecycle = 'Persistent' | 'Ephemeral';

export interface CsiVolume {
  /** Of the persistent volume, or of the pod's volume; messages and paths have it. */
  readonly name: string;
  readonly driver: string;
  readonly handle: string;
  readonly lifecycle: Lifecycle;
  readonly isBlock: boolean;
  /** The pod wants only to read. */
  readonly readOnly: boolean;
  readonly fsType: string;
  /** Undefined where the persistent volume names none. */
  readonly accessModes: readonly string[] | undefined;
  readonly mountOptions: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly stageSecret?: SecretReference | undefined;
  readonly publishSecret?: SecretReference | undefined;
  readonly expandSecret?: SecretReference | undefined;
}

/** Undefined where no driver makes it. */
export function inlineVolume(pod: Pod, { name, csi }: Volume): CsiVolume | undefined {
  if (!csi) return undefined;
  const secret = csi.nodePublishSecretRef?.name;
  return {
    name,
    driver: csi.driver,
    handle: `csi-${createHash('sha256')
      .update(`${uidOf(pod)}${name}`)
      .digest('hex')}`,
    lifecycle: 'Ephemeral',
    isBlock: false,
    readOnly: csi.readOnly ?? false,
    fsType: csi.fsType ?? '',
    accessModes: ['ReadWriteOnce'],
    mountOptions: [],
    attributes: csi.volumeAttributes ?? {},
    publishSecret: secret ? { namespace: pod.metadata.namespace ?? '', name: secret } : undefined,
  };
}

/** Undefined where no driver makes it. @param readOnly as the pod says of its claim */
export function persistentVolume({ metadata, spec }: PersistentVolume, readOnly: boolean): CsiVolume | undefined {
  const { csi } = spec;
  if (!csi) return undefined;
  return {
    name: metadata.name ?? '',
    driver: csi.driver,
    handle: csi.volumeHandle,
    lifecycle: 'Persistent',
    isBlock: spec.volumeMode === 'Block',
    readOnly,
    fsType: csi.fsType ?? '',
    accessModes: spec.accessModes,
    mountOptions: spec.mountOptions ?? [],
    attributes: csi.volumeAttributes ?? {},
    stageSecret: secretOf(csi.nodeStageSecretRef),
    publishSecret: secretOf(csi.nodePublishSecretRef),
    expandSecret: secretOf(csi.nodeExpandSecretRef),
  };
}

function secretOf(
  reference: { readonly name?: string; readonly namespace?: string } | undefined,
): SecretReference | undefined {
  return reference && { namespace: reference.namespace ?? '', name: reference.name ?? '' };
}

/** Of several access modes nobody knows which the pod means; where it is this one alone, one pod has the volume. */
export function isForOnePod({ accessModes }: CsiVolume): boolean {
  return accessModes?.length === 1 && accessModes[0] === 'ReadWriteOncePod';
}
