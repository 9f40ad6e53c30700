/** How full a volume is, as its driver says (pkg/volume/csi/csi_metrics.go). */
import type { VolumeUsage } from '../manager.ts';
import type { CsiContext } from './context.ts';
import type { CsiVolume } from './volume.ts';

/** @param path where a pod has it. @returns undefined for a driver that does not count. @throws Error */
export async function usageAt(
  { drivers }: CsiContext,
  { driver: name, handle }: CsiVolume,
  path: string,
): Promise<VolumeUsage | undefined> {
  const driver = drivers.get(name);
  if (!(await driver.capabilities()).has('GET_VOLUME_STATS')) return undefined;
  const { usage } = await driver.call('NodeGetVolumeStats', { volumeId: handle, volumePath: path });
  if (usage.length === 0) throw new Error('failed to get usage from response. usage is nil');
  const none = { available: 0, total: 0, used: 0 };
  const of = (unit: string) => usage.findLast((each) => each.unit === unit) ?? none;
  const [bytes, inodes] = [of('BYTES'), of('INODES')];
  return {
    filesystem: {
      availableBytes: bytes.available,
      capacityBytes: bytes.total,
      inodesFree: inodes.available,
      inodes: inodes.total,
    },
    used: { bytes: bytes.used, inodes: inodes.used },
  };
}
