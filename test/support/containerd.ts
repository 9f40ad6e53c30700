/** A containerd of one's own, with a network and two images, for tests on real containers. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CriRuntime } from '@keelson/kubelet/runtime/cri/runtime';
import { archive, busyboxFiles, type Image, layer } from './image-archive.ts';
import { type Program, startProgram, untilReady } from './process.ts';
import { fetched, missing, tool } from './tools.ts';

export interface Containerd {
  /** For the kubelet's `--container-runtime-endpoint`. */
  readonly endpoint: string;
  /** Of the addresses of its pods, as CIDR. */
  readonly subnet: string;
  readonly program: Program;
  /** Where it looks for devices (CDI), from version 1.7 on. */
  readonly cdiDirectory: string;
  /** Takes in the images of an archive, under the names that they have there. */
  load(tar: string): void;
  /** Kills a container, as if it had failed. */
  kill(id: string): void;
  /** Ends it, with everything that runs in it. */
  stop(): Promise<void>;
}

/** What the containers of tests run: a shell and its tools. */
export const BUSYBOX = 'localhost/keelson/busybox:1';
/** Its own programs come first, for KEELSON_CONTAINERD may be another one. */
const binaries = missing('containerd') === undefined ? dirname(tool('containerd')) : '';
const path = [binaries, fetched('usr/bin'), fetched('usr/sbin'), process.env.PATH].join(':');

/** Why containers cannot be run here; undefined when they can. */
export function noContainers(): string | undefined {
  return process.getuid?.() === 0 ? missing('containerd') : 'containers are run by root alone';
}

const PAUSE = 'localhost/keelson/pause:1';

export interface ContainerdOptions {
  /** What it is to be run by: a command that enters a network. */
  readonly within?: readonly string[];
  /** What holds the namespaces of pods; it is loaded before the first of them. */
  readonly sandboxImage?: string;
  /** Where it finds the networks of pods; without it, it has one of its own. */
  readonly networks?: string;
  /** By a registry's name, the URL of what is asked in its place. */
  readonly mirrors?: Readonly<Record<string, string>>;
}

/** @param directory an empty one, whose path is short: sockets are in it */
export async function startContainerd(
  directory: string,
  { within = [], sandboxImage = PAUSE, networks = join(directory, 'cni'), mirrors = {} }: ContainerdOptions = {},
): Promise<Containerd> {
  const id = randomBytes(3).toString('hex');
  const subnet = `10.${200 + (Number.parseInt(id.slice(0, 2), 16) % 50)}.${Number.parseInt(id.slice(2, 4), 16)}.0/24`;
  const socket = join(directory, 'containerd.sock');
  const config = join(directory, 'config.toml');
  mkdirSync(join(directory, 'cni'));
  mkdirSync(networks, { recursive: true });
  writeFileSync(join(directory, 'cni/10-keelson.conflist'), JSON.stringify(network(`kt${id}`, subnet, directory)));
  writeFileSync(config, configuration(directory, socket, sandboxImage, networks));
  for (const [registry, url] of Object.entries(mirrors)) {
    const hosts = join(directory, 'registries', registry);
    mkdirSync(hosts, { recursive: true });
    writeFileSync(join(hosts, 'hosts.toml'), `server = "${url}"\n`);
  }
  const [command, ...args] = [...within, tool('containerd'), '--config', config, '--log-level', 'warn'];
  const program = startProgram(command!, args, { env: { PATH: path } });
  await untilReady(program, async () => ctr(socket, 'version') !== '');
  mkdirSync(join(directory, 'images'));
  const base = layer(join(directory, 'images'), 'busybox', busyboxFiles);
  const images: Image[] = [
    { names: [BUSYBOX], layers: [base], config: { Cmd: ['/bin/sh'] } },
    { names: [PAUSE], layers: [base], config: { Cmd: ['/bin/sleep', '2147483647'] } },
  ];
  const load = (tar: string) => void ctr(socket, '-n', 'k8s.io', 'images', 'import', '--no-unpack', tar);
  load(archive(join(directory, 'images'), images));
  const endpoint = `unix://${socket}`;
  await untilReady(program, () => hasImages(endpoint, [BUSYBOX, PAUSE]));
  const kill = (id: string) => void ctr(socket, '-n', 'k8s.io', 'tasks', 'kill', '-s', 'SIGKILL', id);
  const end = () => stop(socket, program, `kt${id}`, directory);
  const cdiDirectory = join(directory, 'cdi');
  return { endpoint, subnet, program, cdiDirectory, load, kill, stop: end };
}

/** What containerd has taken in its runtime service hears of a moment later; what it has not heard of it would pull. */
async function hasImages(endpoint: string, names: readonly string[]): Promise<boolean> {
  const runtime = new CriRuntime(endpoint);
  try {
    const tags = (await runtime.images()).flatMap((image) => image.tags);
    return names.every((name) => tags.includes(name));
  } finally {
    await runtime.close();
  }
}

function ctr(socket: string, ...args: string[]): string {
  return execFileSync(fetched('usr/bin/ctr'), ['-a', socket, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Takes away what containers and kubelets have left mounted, so that the directory can be removed. */
export function unmountBelow(directory: string): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  const own = mounts.map((path) => path.replaceAll('\\040', ' ')).filter((path) => path.startsWith(`${directory}/`));
  for (const path of own.reverse()) execFileSync('umount', ['-l', path]);
}

/** The cgroup of its cluster alone, in which a process is: others may be everybody's. */
function ownCgroup(pid: string): string[] {
  const own = /:\/(keelson-[^/\n]+)/.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1];
  return own === undefined ? [] : [own];
}

function removeCgroup(name: string): void {
  const folders = ['/sys/fs/cgroup', ...readdirSync('/sys/fs/cgroup').map((each) => `/sys/fs/cgroup/${each}`)];
  const found = folders.map((each) => join(each, name)).filter((path) => existsSync(path));
  for (const path of found) execFileSync('find', [path, '-depth', '-type', 'd', '-delete'], { stdio: 'ignore' });
}

async function stop(socket: string, program: Program, bridge: string, directory: string): Promise<void> {
  const quietly = (run: () => void) => {
    try {
      run();
    } catch {
      // It was not there.
    }
  };
  const networks = networksOf(join(directory, 'state'));
  quietly(() => {
    const [, ...lines] = ctr(socket, '-n', 'k8s.io', 'tasks', 'ls').split('\n').filter(Boolean);
    const tasks = lines.map((line) => line.split(/ +/));
    const groups = new Set(tasks.flatMap(([, pid = '']) => ownCgroup(pid)));
    for (const [task = ''] of tasks) quietly(() => ctr(socket, '-n', 'k8s.io', 'tasks', 'rm', '-f', task));
    for (const group of groups) quietly(() => removeCgroup(group));
  });
  await program.stop('SIGTERM');
  quietly(() => execFileSync('pkill', ['-9', '-f', `containerd-shim.*${socket}`]));
  unmountBelow(directory);
  for (const network of networks) quietly(() => execFileSync('ip', ['netns', 'delete', network], { stdio: 'ignore' }));
  quietly(() => execFileSync('ip', ['link', 'delete', bridge], { stdio: 'ignore' }));
}

/** The namespaces of the networks that CNI has made for what runs, which outlive containerd. */
function networksOf(state: string): Set<string> {
  const bundles = join(state, 'io.containerd.runtime.v2.task/k8s.io');
  const configs = globSync('*/config.json', { cwd: bundles }).map(
    (file) => JSON.parse(readFileSync(join(bundles, file), 'utf8')) as { linux?: { namespaces?: { path?: string }[] } },
  );
  const paths = configs.flatMap(({ linux }) => linux?.namespaces ?? []).map(({ path = '' }) => path);
  return new Set(paths.filter((path) => /\/netns\/cni-[^/]+$/.test(path)).map((path) => basename(path)));
}

function configuration(directory: string, socket: string, sandboxImage: string, networks: string): string {
  return `version = 2
root = "${directory}/root"
state = "${directory}/state"
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${sandboxImage}"
  disable_apparmor = true
  enable_cdi = true
  cdi_spec_dirs = ["${directory}/cdi"]
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${fetched('usr/lib/cni')}"
    conf_dir = "${networks}"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${directory}/registries"
`;
}

function network(bridge: string, subnet: string, directory: string): object {
  const ipam = {
    type: 'host-local',
    ranges: [[{ subnet }]],
    routes: [{ dst: '0.0.0.0/0' }],
    dataDir: join(directory, 'ipam'),
  };
  return {
    cniVersion: '0.4.0',
    name: bridge,
    plugins: [
      { type: 'bridge', bridge, isGateway: true, hairpinMode: true, ipam },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}
