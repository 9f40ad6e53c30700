/** What a kubelet of before has left of volumes of drivers (pkg/kubelet/volumemanager/reconciler/reconstruct_common.go). */
import { join } from 'node:path';
import { namesIn } from '@keelson/component/files';
import type { CsiContext } from './context.ts';
import { loadData, type VolumeData } from './data.ts';
import type { HeldVolume } from './held.ts';

export interface Leftover extends Pick<HeldVolume, 'name' | 'driver' | 'handle' | 'isBlock'> {
  /** Of the pod that has it; undefined for what is there for all pods. */
  readonly uid: string | undefined;
}

/** By pod and for the node. What cannot be read is left as it is: somebody has to look at it. */
export async function leftovers({ paths, client }: Pick<CsiContext, 'paths' | 'client'>): Promise<Leftover[]> {
  const found: Leftover[] = [];
  const add = async (folder: string, uid: string | undefined, isBlock: boolean, name?: string) => {
    const data = await loadData(folder).catch((error) => {
      client.world.log.warn({ folder, error }, 'What is left of a volume could not be read');
      return undefined;
    });
    if (data) found.push({ uid, isBlock, ...identityOf(data, name) });
  };
  for (const uid of await namesIn(paths.pods())) {
    for (const name of await namesIn(paths.podVolumes(uid))) await add(join(paths.podVolumes(uid), name), uid, false);
    for (const name of await namesIn(paths.podDevices(uid))) await add(paths.deviceData(name), uid, true, name);
  }
  for (const name of await namesIn(paths.devices())) await add(join(paths.devices(), name, 'data'), undefined, true);
  for (const driver of await namesIn(paths.staged())) {
    if (join(paths.staged(), driver) === paths.devices()) continue;
    for (const volume of await namesIn(join(paths.staged(), driver))) {
      await add(join(paths.staged(), driver, volume), undefined, false);
    }
  }
  return found;
}

function identityOf({ specVolID, driverName, volumeHandle }: VolumeData, name = specVolID ?? volumeHandle) {
  return { name, driver: driverName, handle: volumeHandle };
}
