/** What the cgroups of pods are called (pkg/kubelet/cm/cgroup_manager_linux.go, pod_container_manager_linux.go). */

/** Who makes cgroups: the kubelet and the runtime, as folders, or systemd, as slices. */
export type CgroupDriver = 'systemd' | 'cgroupfs';

/** From the top down, whoever makes it: `['kubepods', 'burstable', 'pod1-2']`; none: the root. */
export type CgroupName = readonly string[];

const POD = 'pod';

/** @param path as in `--cgroup-root`: never a slice's */
export function parseCgroupName(path: string): CgroupName {
  return path.split('/').filter(Boolean);
}

/** As the runtime is told, in full: `/kubepods/pod1-2`, `/kubepods.slice/kubepods-pod1_2.slice`. */
export function cgroupPath(name: CgroupName, driver: CgroupDriver): string {
  if (driver === 'cgroupfs') return `/${name.join('/')}`;
  const pieces = name.map((piece) => piece.replaceAll('-', '_'));
  return `/${pieces.map((_, index) => `${pieces.slice(0, index + 1).join('-')}.slice`).join('/')}`;
}

/** Of all pods together. @param root above them */
export function podsCgroup(root: CgroupName): CgroupName {
  return [...root, 'kubepods'];
}

/** Of all pods of a class: those that are guaranteed what they have are right below all pods. @param root above all pods */
export function classCgroup(root: CgroupName, qosClass: string): CgroupName {
  return qosClass === 'Guaranteed' ? podsCgroup(root) : [...podsCgroup(root), qosClass.toLowerCase()];
}

/** Of one pod. @param root above all pods */
export function podCgroup(root: CgroupName, qosClass: string, uid: string): CgroupName {
  return [...classCgroup(root, qosClass), `${POD}${uid}`];
}

/** The pod whose cgroup it is by its last piece; undefined where it is none's. */
export function podUidOf(piece: string): string | undefined {
  return piece.startsWith(POD) && piece.length > POD.length ? piece.slice(POD.length) : undefined;
}

/** As messages have it. */
export function quoted(name: CgroupName): string {
  return `[${name.map((piece) => JSON.stringify(piece)).join(' ')}]`;
}
