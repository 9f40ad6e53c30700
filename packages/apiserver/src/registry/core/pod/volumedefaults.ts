/** Defaults of volumes (k8s.io/kubernetes/pkg/apis/core/v1/defaults.go). */
import type {
  AzureDiskVolumeSource,
  ObjectFieldSelector,
  ProjectedVolumeSource,
  Volume,
} from '@keelson/api/generated/types/core/v1';
import { roundToMilli } from '@keelson/api/resources/list';
import { defaultPullPolicy } from './image.ts';

const MODE = 0o644;
const TOKEN_SECONDS = 3600;

export function defaultVolume(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  const { hostPath, secret, configMap, downwardAPI, projected, iscsi, rbd, azureDisk, scaleIO, ephemeral, image } =
    volume;
  if (image) image.pullPolicy ||= defaultPullPolicy(image.reference ?? '');
  if (hostPath) hostPath.type ??= '';
  if (secret) secret.defaultMode ??= MODE;
  if (configMap) configMap.defaultMode ??= MODE;
  if (downwardAPI) {
    downwardAPI.defaultMode ??= MODE;
    for (const item of downwardAPI.items ?? []) defaultFieldRef(item.fieldRef);
  }
  if (projected) defaultProjected(projected);
  if (iscsi) iscsi.iscsiInterface ||= 'default';
  if (rbd) {
    rbd.pool ||= 'rbd';
    rbd.user ||= 'admin';
    rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (azureDisk) defaultAzureDisk(azureDisk);
  if (scaleIO) {
    scaleIO.storageMode ||= 'ThinProvisioned';
    scaleIO.fsType ||= 'xfs';
  }
  const claim = ephemeral?.volumeClaimTemplate?.spec;
  if (claim) {
    claim.volumeMode ??= 'Filesystem';
    roundToMilli(claim.resources?.limits);
    roundToMilli(claim.resources?.requests);
  }
}

function defaultProjected(projected: ProjectedVolumeSource): void {
  projected.defaultMode ??= MODE;
  for (const { downwardAPI, serviceAccountToken } of projected.sources ?? []) {
    for (const item of downwardAPI?.items ?? []) defaultFieldRef(item.fieldRef);
    if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= TOKEN_SECONDS;
  }
}

function defaultAzureDisk(disk: AzureDiskVolumeSource): void {
  disk.cachingMode ??= 'ReadWrite';
  disk.fsType ??= 'ext4';
  disk.readOnly ??= false;
  disk.kind ??= 'Shared';
}

/** Of volumes and of variables. */
export function defaultFieldRef(ref: ObjectFieldSelector | undefined): void {
  if (ref) ref.apiVersion ||= 'v1';
}
