/** Where pods are in the tree of cgroups, and what is left of them there (pkg/kubelet/cm/pod_container_manager_linux.go). */
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { qosClass } from '@keelson/api/resources/pod';

export type CgroupDriver = 'systemd' | 'cgroupfs';

/** What the runtime is told: a path, or the name of a slice. @param root above all pods, `/` or a path */
export function cgroupParent(pod: Pod, driver: CgroupDriver, root: string): string {
  const qos = qosClass(pod);
  const pieces = [
    ...root.split('/').filter(Boolean),
    'kubepods',
    ...(qos === 'Guaranteed' ? [] : [qos.toLowerCase()]),
    `pod${pod.metadata.uid}`,
  ];
  if (driver === 'cgroupfs') return `/${pieces.join('/')}`;
  return `${pieces.map((piece) => piece.replaceAll('-', '_')).join('-')}.slice`;
}

const MOUNT = '/sys/fs/cgroup';

/** Takes an empty group away, in each hierarchy that there is; slices are systemd's affair. What is in use stays. */
export async function removeCgroup(parent: string): Promise<void> {
  if (!parent.startsWith('/')) return;
  const hierarchies = await readdir(MOUNT, { withFileTypes: true }).catch(() => []);
  const roots = [MOUNT, ...hierarchies.filter((entry) => entry.isDirectory()).map(({ name }) => join(MOUNT, name))];
  for (const root of roots) await removeEmpty(join(root, parent));
}

async function removeEmpty(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => undefined);
  if (!entries) return;
  for (const entry of entries) if (entry.isDirectory()) await removeEmpty(join(directory, entry.name));
  await rmdir(directory).catch(() => {});
}
