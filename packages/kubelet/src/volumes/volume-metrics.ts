/** `kubelet_volume_stats_…`: how full the volumes of claims are (pkg/kubelet/metrics/collectors/volume_stats.go). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { claimNameOf } from '@keelson/api/resources/volumes';
import { Gauge } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { MachineFigures } from '../eviction/figures.ts';
import type { VolumeUsage } from './manager.ts';

const FAMILIES: Readonly<Record<string, readonly [help: string, value: (usage: VolumeUsage) => number]>> = {
  capacity_bytes: ['Capacity in bytes of the volume', ({ filesystem }) => filesystem.capacityBytes],
  available_bytes: ['Number of available bytes in the volume', ({ filesystem }) => filesystem.availableBytes],
  used_bytes: ['Number of used bytes in the volume', ({ used }) => used.bytes],
  inodes: ['Maximum number of inodes in the volume', ({ filesystem }) => filesystem.inodes],
  inodes_free: ['Number of free inodes in the volume', ({ filesystem }) => filesystem.inodesFree],
  inodes_used: ['Number of used inodes in the volume', ({ used }) => used.inodes],
};

/** @param pod by uid, of those that are here */
export function registerVolumeMetrics(
  registry: MetricsRegistry,
  figures: Pick<MachineFigures, 'volumes'>,
  pod: (uid: string) => Pod | undefined,
): void {
  for (const [name, [help, value]] of Object.entries(FAMILIES)) {
    const labels = ['namespace', 'persistentvolumeclaim'];
    const description = { name: `kubelet_volume_stats_${name}`, help, stability: 'ALPHA', labels } as const;
    const collect = (gauge: Gauge) => {
      gauge.clear();
      for (const [uid, volumeName, usage] of figures.volumes()) {
        const user = pod(uid);
        const volume = user?.spec.volumes?.find((each) => each.name === volumeName);
        const claim = user && volume && claimNameOf(user, volume);
        if (claim !== undefined) gauge.with(user?.metadata.namespace ?? '', claim).value = value(usage);
      }
    };
    registry.register(new Gauge(description, collect));
  }
}
