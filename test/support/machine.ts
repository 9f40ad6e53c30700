/** Machines of a test that run containers: hosts with a containerd each. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageName } from '@keelson/cluster/install/images';
import { type Containerd, noContainers, startContainerd, unmountBelow } from './containerd.ts';
import { type Host, type Hosts, noHosts, runners, startHosts } from './hosts.ts';
import { startProgram, untilReady } from './process.ts';

export interface Machine extends Host {
  readonly containerd: Containerd;
}

export interface Machines extends Pick<Hosts, 'lend'> {
  readonly all: readonly Machine[];
  /** Ends all that runs on them, and leaves nothing of them. */
  stop(): Promise<void>;
}

/** Why there can be no such machines here; undefined when there can. */
export function noMachines(): string | undefined {
  if (noContainers() !== undefined) return noContainers();
  if (process.arch !== 'x64') return 'there is no image for the namespaces of pods but on x86-64';
  return noHosts();
}

export interface MachinesOptions {
  /** Whether pods have a network, of their machine alone; otherwise it is looked for in the machine's own `/etc/cni/net.d`. */
  readonly podNetwork?: boolean;
  /** Whether there are the images of a control plane. */
  readonly images?: boolean;
}

/** @param names of the machines, which are on one network */
export async function startMachines(
  names: readonly string[],
  { podNetwork = true, images = true }: MachinesOptions = {},
): Promise<Machines> {
  const undo: (() => unknown)[] = [];
  const stop = async () => {
    for (const each of undo.reverse()) await each();
  };
  try {
    const hosts = await startHosts(names);
    undo.push(hosts.stop);
    const folder = await mkdtemp(join(tmpdir(), 'keelson-images-'));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    const archives = images ? makeImages(folder) : [];
    const all: Machine[] = [];
    for (const host of hosts.all) {
      const { root } = host;
      undo.push(() => unmountBelow(root));
      const within = podNetwork ? host.within : await ownFolders(host, undo);
      const containerd = await startContainerd(join(root, 'run'), {
        within,
        ...(images ? { sandboxImage: imageName('pause') } : {}),
        ...(podNetwork ? {} : { networks: join(root, 'etc/cni/net.d') }),
      });
      undo.push(() => containerd.stop());
      for (const archive of archives) containerd.load(archive);
      all.push({ ...host, ...runners(within), containerd });
    }
    return { all, lend: hosts.lend, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Folders of networks, by their names on any machine; containers have those of their machine. */
const OWN_FOLDERS = ['/etc/cni/net.d', '/run/cni-ipam-state'];

/** @returns a command that runs another where these folders are the machine's own */
async function ownFolders({ root, within }: Host, undo: (() => unknown)[]): Promise<string[]> {
  const mounts = OWN_FOLDERS.map((path) => `mkdir -p ${root}${path} ${path} && mount --bind ${root}${path} ${path}`);
  const script = [...mounts, 'echo ready', 'exec sleep 2147483647'].join(' && ');
  const unshare = ['unshare', '--mount', '--propagation', 'slave', '--', 'sh', '-c', script];
  const holder = startProgram(within[0]!, [...within.slice(1), ...unshare]);
  undo.push(() => holder.stop('SIGKILL'));
  await untilReady(holder, async () => holder.output().includes('ready'));
  return ['nsenter', `--target=${holder.pid}`, '--net', '--mount', '--'];
}

/** Makes the images of a control plane, hardly compressed. @returns the archives */
export function makeImages(directory: string): string[] {
  const root = join(import.meta.dirname, '../..');
  const script = [join(root, 'scripts/image.ts'), '--level', '1', '--output', directory];
  execFileSync(join(root, 'node_modules/.bin/node'), script, { stdio: ['ignore', 'pipe', 'pipe'] });
  return ['keelson', 'node', 'etcd', 'pause']
    .map((name) => join(directory, `${name}.tar`))
    .filter((path) => existsSync(path));
}
