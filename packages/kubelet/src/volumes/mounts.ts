/** What is mounted in a container: its volumes, `/etc/hosts`, the file for its last words (makeMounts in kubelet_pods.go). */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Pod, VolumeMount } from '@keelson/api/generated/types/core/v1';
import { isHostNetwork, type PodContainer } from '../pods/spec.ts';
import type { Mount } from '../runtime/container.ts';
import { resolveInside } from './filesystem.ts';
import { type HostsInput, hostHosts, podHosts } from './hosts.ts';
import type { MountedVolume } from './manager.ts';

export interface MountsInput {
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly podDirectory: string;
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  /** Images that volumes show, by the volume's name, as the runtime names them. */
  readonly imageVolumes: ReadonlyMap<string, string>;
  readonly env: ReadonlyMap<string, string>;
  readonly hosts: HostsInput;
  readonly recursiveReadOnly: boolean;
  /** Tells the files of this container from those of the ones before it. */
  readonly id: string;
}

const HOSTS = '/etc/hosts';

/** Block volumes as a container has them (makeBlockVolumes in kubelet_pods.go). @throws Error with a message for CreateContainerConfigError */
export function devicesOf(
  { name: container, volumeDevices = [] }: PodContainer['spec'],
  volumes: ReadonlyMap<string, MountedVolume>,
): { containerPath: string; hostPath: string; permissions: string }[] {
  return volumeDevices.map(({ name, devicePath }) => {
    if (!isAbsolute(devicePath)) throw new Error(`error DevicePath \`${devicePath}\` must be an absolute path`);
    const volume = volumes.get(name);
    if (!volume?.device) throw new Error(`cannot find volume "${name}" to pass into container "${container}"`);
    return { containerPath: devicePath, hostPath: volume.device, permissions: volume.readOnly ? 'r' : 'mrw' };
  });
}

/** @throws Error with a message for CreateContainerConfigError */
export async function mountsOf(input: MountsInput): Promise<Mount[]> {
  const { spec } = input.container;
  const volumeMounts = spec.volumeMounts ?? [];
  const mounts: Mount[] = [];
  for (const mount of volumeMounts) mounts.push(await volumeMount(mount, input));
  const wantsHosts = input.hosts.podIps.length > 0 || isHostNetwork(input.pod);
  if (wantsHosts && !volumeMounts.some(({ mountPath }) => mountPath === HOSTS)) mounts.push(await hostsMount(input));
  const lastWords = spec.terminationMessagePath ?? '/dev/termination-log';
  if (lastWords !== '') mounts.push(await terminationMount(input, lastWords));
  return mounts;
}

const plain = (containerPath: string, hostPath: string): Mount => ({
  containerPath,
  hostPath,
  readOnly: false,
  recursiveReadOnly: false,
  selinuxRelabel: false,
  propagation: 'private',
});

const PROPAGATION: Record<string, Mount['propagation']> = {
  None: 'private',
  HostToContainer: 'hostToContainer',
  Bidirectional: 'bidirectional',
};

async function volumeMount(
  mount: VolumeMount,
  { container, volumes, imageVolumes, env, recursiveReadOnly }: MountsInput,
): Promise<Mount> {
  const { name, mountPath, readOnly = false, mountPropagation = 'None', recursiveReadOnly: recursive } = mount;
  const volume = volumes.get(name);
  if (!volume) throw new Error(`cannot find volume "${name}" to mount into container "${container.spec.name}"`);
  const subPath = mount.subPathExpr ? expandStrictly(mount.subPathExpr, env) : (mount.subPath ?? '');
  if (isAbsolute(subPath)) throw new Error(`error SubPath \`${subPath}\` must not be an absolute path`);
  if (subPath.split('/').includes('..')) {
    throw new Error(`unable to provision SubPath \`${subPath}\`: must not contain '..'`);
  }
  if (recursive === 'Enabled' && !recursiveReadOnly) {
    throw new Error(
      'failed to resolve recursive read-only mode: recursive read-only mount is not supported by the runtime',
    );
  }
  const common = {
    ...plain(isAbsolute(mountPath) ? mountPath : join('/', mountPath), volume.path),
    readOnly: readOnly || volume.readOnly,
    recursiveReadOnly: readOnly && (recursive === 'Enabled' || (recursive === 'IfPossible' && recursiveReadOnly)),
    propagation: PROPAGATION[mountPropagation] ?? 'private',
  };
  if (volume.image) {
    const image = { image: imageVolumes.get(name) ?? volume.image, userSpecified: volume.image, runtimeHandler: '' };
    return { ...common, image, imageSubPath: subPath };
  }
  if (subPath === '') return common;
  const hostPath = await resolveInside(volume.path, subPath).catch((error) => {
    // What else is on the node is not told to the pod's author.
    const message = `failed to prepare subPath for volumeMount "${name}" of container "${container.spec.name}"`;
    throw new Error(message, { cause: error });
  });
  return { ...common, hostPath };
}

/** Unlike elsewhere, a name that is not there is an error. */
function expandStrictly(text: string, env: ReadonlyMap<string, string>): string {
  return text.replace(/\$(\$|\(([^()]*)\))/g, (whole, what: string, name: string) => {
    if (what === '$') return '$';
    const value = env.get(name);
    if (value === undefined) throw new Error(`missing value for "${name}"`);
    return value ?? whole;
  });
}

async function hostsMount({ pod, podDirectory, hosts }: MountsInput): Promise<Mount> {
  const path = join(podDirectory, 'etc-hosts');
  await mkdir(podDirectory, { recursive: true });
  const text = isHostNetwork(pod) ? hostHosts(await readFile(HOSTS, 'utf8'), hosts.aliases) : podHosts(hosts);
  await writeFile(path, text, { mode: 0o644 });
  return plain(HOSTS, path);
}

/** Written by whoever the container runs as. */
async function terminationMount({ container, podDirectory, id }: MountsInput, containerPath: string): Promise<Mount> {
  const directory = join(podDirectory, 'containers', container.spec.name);
  await mkdir(directory, { recursive: true });
  const path = join(directory, id);
  await writeFile(path, '');
  await chmod(path, 0o666);
  return plain(isAbsolute(containerPath) ? containerPath : join('/', containerPath), path);
}
