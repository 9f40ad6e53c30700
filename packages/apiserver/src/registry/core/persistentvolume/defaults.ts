import type { PersistentVolume, PersistentVolumeSpec } from '@keelson/api/generated/types/core/v1';
import { roundToMilli } from '@keelson/api/resources/list';

export function defaults({ spec, status }: PersistentVolume): void {
  status.phase ||= 'Pending';
  spec.persistentVolumeReclaimPolicy ||= 'Retain';
  spec.volumeMode ??= 'Filesystem';
  defaultVolumeSpec(spec);
}

/** Also of volumes that stand in an attachment. */
export function defaultVolumeSpec(spec: PersistentVolumeSpec): void {
  roundToMilli(spec.capacity);
  const { hostPath, rbd, iscsi, azureDisk, scaleIO } = spec;
  if (hostPath) hostPath.type ??= '';
  if (rbd) {
    rbd.pool ||= 'rbd';
    rbd.user ||= 'admin';
    rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (iscsi) iscsi.iscsiInterface ||= 'default';
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite';
    azureDisk.fsType ??= 'ext4';
    azureDisk.readOnly ??= false;
    azureDisk.kind ??= 'Shared';
  }
  if (scaleIO) {
    scaleIO.storageMode ||= 'ThinProvisioned';
    scaleIO.fsType ||= 'xfs';
  }
}
