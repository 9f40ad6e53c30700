/** Volumes of plugins that have given way to drivers (staging/src/k8s.io/csi-translation-lib). */
import type { PersistentVolume, PersistentVolumeSpec } from '@keelson/api/generated/types/core/v1';

const DRIVERS: readonly [source: keyof PersistentVolumeSpec, plugin: string, driver: string][] = [
  ['awsElasticBlockStore', 'kubernetes.io/aws-ebs', 'ebs.csi.aws.com'],
  ['gcePersistentDisk', 'kubernetes.io/gce-pd', 'pd.csi.storage.gke.io'],
  ['cinder', 'kubernetes.io/cinder', 'cinder.csi.openstack.org'],
  ['azureDisk', 'kubernetes.io/azure-disk', 'disk.csi.azure.com'],
  ['azureFile', 'kubernetes.io/azure-file', 'file.csi.azure.com'],
  ['vsphereVolume', 'kubernetes.io/vsphere-volume', 'csi.vsphere.vmware.com'],
  ['portworxVolume', 'kubernetes.io/portworx-volume', 'pxd.portworx.com'],
];

/** The driver that serves the volume now, and the plugin that once did; undefined for other volumes. */
export function driverInPlaceOf({ spec }: PersistentVolume): { plugin: string; driver: string } | undefined {
  const found = DRIVERS.find(([source]) => spec?.[source] !== undefined);
  return found && { plugin: found[1], driver: found[2] };
}
