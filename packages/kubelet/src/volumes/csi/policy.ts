/** What a CSIDriver says of the volumes of a driver; functions (pkg/volume/csi/csi_mounter.go, csi_plugin.go). */
import type { CSIDriver } from '@keelson/api/generated/types/storage/v1';
import type { CsiVolume } from './volume.ts';

/** Volumes of claims have to be attached unless their driver says that there is nothing to attach. */
export function isAttachable({ lifecycle }: Pick<CsiVolume, 'lifecycle'>, driver: CSIDriver | undefined): boolean {
  return lifecycle === 'Persistent' && driver?.spec.attachRequired !== false;
}

/** @throws Error where the driver makes no volumes of that kind */
export function checkLifecycle({ lifecycle, driver: name }: CsiVolume, driver: CSIDriver | undefined): void {
  const not = `volume mode "${lifecycle}" not supported by driver ${name}`;
  if (!driver) {
    if (lifecycle === 'Persistent') return;
    throw new Error(`${not} (no CSIDriver object)`);
  }
  const modes = driver.spec.volumeLifecycleModes ?? [];
  if (!modes.includes(lifecycle)) throw new Error(`${not} (only supports [${modes.map((m) => `"${m}"`).join(' ')}])`);
}

/** Whether the kubelet gives the volume to the pod's group, where the driver does not. @throws Error for a driver without a policy */
export function takesGroup(volume: CsiVolume, group: number | undefined, driver: CSIDriver | undefined): boolean {
  const policy = driver ? driver.spec.fsGroupPolicy : 'ReadWriteOnceWithFSType';
  if (!policy) throw new Error('kubernetes.io/csi: expected valid fsGroupPolicy, received nil value or empty string');
  if (group === undefined || policy === 'None' || volume.readOnly) return false;
  if (policy === 'File') return true;
  const isForOneNode = volume.accessModes?.some((mode) => mode === 'ReadWriteOnce' || mode === 'ReadWriteOncePod');
  return volume.fsType !== '' && isForOneNode === true;
}
