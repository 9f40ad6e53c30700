/** Where pods are in the tree of cgroups (pkg/kubelet/cm/pod_container_manager_linux.go). */
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
