/** Machines of a test: each with a network of its own, a folder in place of its root, and a containerd. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageName } from '@keelson/cluster/install/images';
import { type Containerd, noContainers, startContainerd, unmountBelow } from './containerd.ts';
import { outputOf, type Program, startProgram } from './process.ts';
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

/** @param names of the machines, which are on one network and have the images of a control plane */
export async function startMachines(names: readonly string[]): Promise<Machines> {
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
    const archives = makeImages(folder);
    for (const [i, name] of names.entries()) {
      const root = await mkdtemp(join(tmpdir(), 'km-'));
      undo.push(async () => {
        unmountBelow(root);
        await rm(root, { recursive: true, force: true });
      });
      const namespace = `${bridge}-${i}`;
      const address = `10.99.0.${10 + i}`;
      connect(namespace, `${address}/24`, bridge, `m${i}`);
      undo.push(() => ip('netns', 'delete', namespace));
      const within = ['nsenter', `--net=/run/netns/${namespace}`, '--'];
      await mkdir(join(root, 'run'));
      const containerd = await startContainerd(join(root, 'run'), { within, sandboxImage: imageName('pause') });
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

function connect(namespace: string, address: string, bridge: string, port: string): void {
  require(ip('netns', 'add', namespace), 'a network');
  ip('-n', bridge, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  ip('-n', bridge, 'link', 'set', port, 'master', 'br0', 'up');
  ip('-n', namespace, 'address', 'add', address, 'dev', 'eth0');
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
  ip('-n', namespace, 'link', 'set', 'eth0', 'up');
  require(ip('-n', namespace, 'route', 'add', 'default', 'via', '10.99.0.1'), 'a route');
}

function require(done: string | undefined, what: string): void {
  if (done === undefined) throw new Error(`there is no way to make ${what} here`);
}

/** Makes the images of a control plane, hardly compressed. @returns the archives */
export function makeImages(directory: string): string[] {
  const root = join(import.meta.dirname, '../..');
  const script = [join(root, 'scripts/image.ts'), '--level', '1', '--output', directory];
  execFileSync(join(root, 'node_modules/.bin/node'), script, { stdio: ['ignore', 'pipe', 'pipe'] });
  return ['keelson', 'etcd', 'pause'].map((name) => join(directory, `${name}.tar`));
}
