/** Block devices as pods have them (MapBlockVolume in pkg/volume/util, volumepathhandler). */
import { execFile } from 'node:child_process';
import { lstat, mkdir, open, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { EventRecorder } from '@keelson/client';
import { isMountPoint, unmount } from './filesystem.ts';

const run = promisify(execFile);

export interface DevicePlaces {
  /** One for each pod, beside those of other pods. */
  readonly shared: string;
  /** What the pod's containers get. */
  readonly link: string;
}

/** Puts a device where a pod's containers get it from, and keeps it open: its name must not become another's. @throws Error */
export async function showDevice(device: string, { shared, link }: DevicePlaces): Promise<void> {
  await mkdir(dirname(shared), { recursive: true, mode: 0o750 });
  if (!(await isDevice(shared))) {
    await (await open(shared, 'a', 0o750)).close();
    if (!(await isMountPoint(shared))) await run('mount', ['--bind', device, shared]);
  }
  await mkdir(dirname(link), { recursive: true, mode: 0o750 });
  await rm(link, { force: true });
  await symlink(device, link);
  if (!(await loopDeviceOn(shared))) await run('losetup', ['-f', shared]);
}

/** The opposite; what is not there is left. @throws Error */
export async function hideDevice({ shared, link }: DevicePlaces): Promise<void> {
  const holder = await loopDeviceOn(shared);
  if (holder) await run('losetup', ['-d', holder]);
  await rm(link, { force: true });
  await unmount(shared);
  await rm(shared, { force: true });
}

/** Tells of a device that was shown to a pod. @param name of the persistent volume */
export function tellOfDevice(recorder: EventRecorder, pod: Pod, name: string, { shared, link }: DevicePlaces): void {
  const done = `MapVolume.MapPodDevice succeeded for volume "${name}"`;
  recorder.event(pod, 'Normal', 'SuccessfulMountVolume', `${done} globalMapPath "${dirname(shared)}"`);
  recorder.event(pod, 'Normal', 'SuccessfulMountVolume', `${done} volumeMapPath "${dirname(link)}"`);
}

/** As the kernel tells of it. */
async function loopDeviceOn(path: string): Promise<string | undefined> {
  for (const name of await readdir('/sys/block').catch(() => [])) {
    if (!name.startsWith('loop')) continue;
    const file = await readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '');
    if (file.trim().replace(/ ?\(deleted\)$/, '') === path) return `/dev/${name}`;
  }
  return undefined;
}

async function isDevice(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return (found?.isBlockDevice() || found?.isCharacterDevice()) ?? false;
}
