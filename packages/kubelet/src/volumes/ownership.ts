/** Gives a volume to the group of a pod (pkg/volume/volume_linux.go). */
import type { Dirent, Stats } from 'node:fs';
import { chmod, lchown, lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { EventRecorder, World } from '@keelson/client';
import { uidOf } from '../pods/spec.ts';

const FIRST_REPORT_MS = 30_000;
const REPORT_MS = 60_000;
const IN_PROGRESS = 'VolumePermissionChangeInProgress';
const ADVICE =
  'consider using OnRootMismatch - https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#configure-volume-permission-and-ownership-change-policy-for-pods';

export interface OwnershipContext {
  readonly world: World;
  readonly recorder: EventRecorder;
}

/**
 * Everything in the volume belongs to the pod's `fsGroup` then, which may do what the owner may; folders hand the group on. What
 * the file system does not allow is left as it is. Nothing happens without a group, or where the pod's policy is `OnRootMismatch`
 * and the folder itself is as it should be. Links are never followed. @throws Error where a folder cannot be read
 */
export async function giveToGroup(
  { world, recorder }: OwnershipContext,
  pod: Pod,
  directory: string,
  readOnly: boolean,
): Promise<void> {
  const { fsGroup: group, fsGroupChangePolicy: policy } = pod.spec?.securityContext ?? {};
  if (group === undefined) return;
  const root = await lstat(directory);
  const wanted = bitsFor(root, readOnly);
  if (policy === 'OnRootMismatch' && root.gid === group && (root.mode & wanted) === wanted) return;
  let count = 0;
  const shown = directory.slice(Math.max(0, directory.indexOf(uidOf(pod))));
  const tell = (message: string) => {
    recorder.event(pod, 'Warning', IN_PROGRESS, `Setting volume ownership for ${shown}${message}`);
    cancel = world.clock.after(REPORT_MS, () => tell(`, processed ${count} files.`), { background: true });
  };
  let cancel = world.clock.after(FIRST_REPORT_MS, () => tell(` is taking longer than expected, ${ADVICE}`), {
    background: true,
  });
  const giveOne = async (path: string) => {
    count++;
    const found = await lstat(path);
    const ignore = (error: unknown) => world.log.warn({ path, error }, 'A file of a volume was not given to its group');
    await lchown(path, found.uid, group).catch(ignore);
    if (!found.isSymbolicLink()) await chmod(path, (found.mode & 0o7777) | bitsFor(found, readOnly)).catch(ignore);
  };
  /** The folder comes last: as long as something in it is not done it does not look so. */
  const giveAll = async (path: string, isFolder: boolean) => {
    if (isFolder) {
      for await (const entry of (await opendir(path)) as AsyncIterable<Dirent>) {
        await giveAll(join(path, entry.name), entry.isDirectory());
      }
    }
    await giveOne(path);
  };
  try {
    await giveAll(directory, root.isDirectory());
  } finally {
    cancel();
  }
}

function bitsFor(found: Stats, readOnly: boolean): number {
  return (readOnly ? 0o440 : 0o660) | (found.isDirectory() ? 0o2110 : 0);
}
