/** Machines of a test: each with a network of its own, a folder in place of its root, and a containerd. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageName } from '@keelson/cluster/install/images';
import { type Containerd, noContainers, startContainerd, unmountBelow } from './containerd.ts';
import { outputOf, type Program, startProgram, untilReady } from './process.ts';
import { fetched } from './tools.ts';

export interface Machine {
  readonly name: string;
  readonly address: string;
  /** Stands for `/`, short: sockets are below it. */
  readonly root: string;
  readonly containerd: Containerd;
  /** A command that runs another in its network. */
  readonly within: readonly string[];
  /** Runs a program in its network. */
  start(command: string, args: readonly string[]): Program;
  /** The same, to its end. @returns what it wrote. @throws Error with that when it fails */
  run(command: string, args: readonly string[]): Promise<string>;
}

export interface Machines {
  readonly all: readonly Machine[];
  /** Ends all that runs on them, and leaves nothing of them. */
  stop(): Promise<void>;
}

/** With the programs that were fetched. */
const PATH = `${fetched('usr/bin')}:${process.env.PATH}`;

/** Why there can be no such machines here; undefined when there can. */
export function noMachines(): string | undefined {
  if (noContainers() !== undefined) return noContainers();
  if (process.arch !== 'x64') return 'there is no image for the namespaces of pods but on x86-64';
  return ip('netns', 'list') === undefined ? 'networks of their own cannot be made here' : undefined;
}

function ip(...args: string[]): string | undefined {
  try {
    return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch {
    return undefined;
  }
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
  const id = randomBytes(2).toString('hex');
  const undo: (() => unknown)[] = [];
  const stop = async () => {
    for (const each of undo.reverse()) await each();
  };
  try {
    const bridge = `km${id}`;
    require(ip('netns', 'add', bridge), 'a network');
    undo.push(() => ip('netns', 'delete', bridge));
    ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', bridge, 'link', 'set', 'br0', 'up');
    const all: Machine[] = [];
    const folder = await mkdtemp(join(tmpdir(), 'keelson-images-'));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    const archives = images ? makeImages(folder) : [];
    for (const [i, name] of names.entries()) {
      const root = await mkdtemp(join(tmpdir(), 'km-'));
      undo.push(async () => {
        unmountBelow(root);
        await rm(root, { recursive: true, force: true });
      });
      const namespace = `${bridge}-${i}`;
      const address = `10.120.0.${10 + i}`;
      connect(namespace, `${address}/24`, bridge, `m${i}`);
      undo.push(() => ip('netns', 'delete', namespace));
      await mkdir(join(root, 'run'));
      const within = podNetwork
        ? ['nsenter', `--net=/run/netns/${namespace}`, '--']
        : await ownFolders(namespace, root, undo);
      const containerd = await startContainerd(join(root, 'run'), {
        within,
        ...(images ? { sandboxImage: imageName('pause') } : {}),
        ...(podNetwork ? {} : { networks: join(root, 'etc/cni/net.d') }),
      });
      undo.push(() => containerd.stop());
      for (const archive of archives) containerd.load(archive);
      const start: Machine['start'] = (command, args) =>
        startProgram(within[0]!, [...within.slice(1), command, ...args], { env: { PATH } });
      all.push({
        name,
        address,
        root,
        containerd,
        within,
        start,
        run: (command, args) => outputOf(start(command, args), `${command} ${args.join(' ')}`),
      });
    }
    return { all, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Folders of networks, by their names on any machine; containers have those of their machine. */
const OWN_FOLDERS = ['/etc/cni/net.d', '/run/cni-ipam-state'];

/** @returns a command that runs another where these folders are the machine's own */
async function ownFolders(namespace: string, root: string, undo: (() => unknown)[]): Promise<string[]> {
  const mounts = OWN_FOLDERS.map((path) => `mkdir -p ${root}${path} ${path} && mount --bind ${root}${path} ${path}`);
  const script = [...mounts, 'echo ready', 'exec sleep 2147483647'].join(' && ');
  const unshare = ['unshare', '--mount', '--propagation', 'slave', '--', 'sh', '-c', script];
  const holder = startProgram('nsenter', [`--net=/run/netns/${namespace}`, '--', ...unshare]);
  undo.push(() => holder.stop('SIGKILL'));
  await untilReady(holder, async () => holder.output().includes('ready'));
  return ['nsenter', `--target=${holder.pid}`, '--net', '--mount', '--'];
}

function connect(namespace: string, address: string, bridge: string, port: string): void {
  require(ip('netns', 'add', namespace), 'a network');
  ip('-n', bridge, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  ip('-n', bridge, 'link', 'set', port, 'master', 'br0', 'up');
  ip('-n', namespace, 'address', 'add', address, 'dev', 'eth0');
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
  ip('-n', namespace, 'link', 'set', 'eth0', 'up');
  require(ip('-n', namespace, 'route', 'add', 'default', 'via', '10.120.0.1'), 'a route');
}

function require(done: string | undefined, what: string): void {
  if (done === undefined) throw new Error(`there is no way to make ${what} here`);
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
