/** `vol_data.json`: what a kubelet that comes later has to know to take a volume away (pkg/volume/csi/csi_util.go). */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attachmentName } from '@keelson/api/resources/attachments';
import { DATA_FILE } from './paths.ts';
import type { CsiVolume, Lifecycle } from './volume.ts';

/** Of a volume of a pod. What is staged for all pods has the handle and the driver's name alone. */
export interface VolumeData {
  readonly driverName: string;
  readonly volumeHandle: string;
  readonly specVolID?: string | undefined;
  readonly nodeName?: string | undefined;
  readonly attachmentID?: string | undefined;
  readonly volumeLifecycleMode?: Lifecycle | undefined;
}

export const stagedData = ({ driver, handle }: CsiVolume): VolumeData => ({
  driverName: driver,
  volumeHandle: handle,
});

/** A block volume's says nothing of its lifecycle: there is but one. */
export function publishedData(volume: CsiVolume, nodeName: string): VolumeData {
  return {
    attachmentID: attachmentName(volume, nodeName),
    ...stagedData(volume),
    nodeName,
    specVolID: volume.name,
    ...(volume.isBlock ? {} : { volumeLifecycleMode: volume.lifecycle }),
  };
}

/** Keeps what has to be known to take the volume away. @throws Error of the file system */
export async function saveData(folder: string, data: VolumeData): Promise<void> {
  const sorted = Object.fromEntries(Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(join(folder, DATA_FILE), `${JSON.stringify(sorted)}\n`);
}

/** Undefined where there is none. @throws Error for what is no such file */
export async function loadData(folder: string): Promise<VolumeData | undefined> {
  const path = join(folder, DATA_FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const data = JSON.parse(text) as Partial<VolumeData>;
    if (typeof data.driverName !== 'string' || typeof data.volumeHandle !== 'string') throw new Error('no volume');
    return data as VolumeData;
  } catch (error) {
    throw new Error(`kubernetes.io/csi: failed to parse volume data file [${path}]: ${(error as Error).message}`);
  }
}
