/** A containerd of one's own, with a network and two images, for tests on real containers. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Program, startProgram, untilReady } from './process.ts';
import { fetched, missing } from './tools.ts';

export interface Containerd {
  /** For the kubelet's `--container-runtime-endpoint`. */
  readonly endpoint: string;
  readonly program: Program;
  /** Takes in the images of an archive, under the names that they have there. */
  load(tar: string): void;
  /** Ends it, with everything that runs in it. */
  stop(): Promise<void>;
}

/** What the containers of tests run: a shell and its tools. */
export const BUSYBOX = 'localhost/keelson/busybox:1';
const path = [fetched('usr/bin'), fetched('usr/sbin'), process.env.PATH].join(':');
const busybox = [fetched('usr/bin/busybox'), fetched('bin/busybox')].find((each) => existsSync(each)) ?? '/bin/busybox';

/** Why containers cannot be run here; undefined when they can. */
export function noContainers(): string | undefined {
  return process.getuid?.() === 0 ? missing('containerd') : 'containers are run by root alone';
}

const PAUSE = 'localhost/keelson/pause:1';

/** @param directory an empty one, whose path is short: sockets are in it */
export async function startContainerd(directory: string): Promise<Containerd> {
  const id = randomBytes(3).toString('hex');
  const subnet = `10.${200 + (Number.parseInt(id.slice(0, 2), 16) % 50)}.${Number.parseInt(id.slice(2, 4), 16)}.0/24`;
  const socket = join(directory, 'containerd.sock');
  const config = join(directory, 'config.toml');
  mkdirSync(join(directory, 'cni'));
  writeFileSync(join(directory, 'cni/10-keelson.conflist'), JSON.stringify(network(`kt${id}`, subnet, directory)));
  writeFileSync(config, configuration(directory, socket));
  const program = startProgram(fetched('usr/bin/containerd'), ['--config', config, '--log-level', 'warn'], {
    env: { PATH: path },
  });
  await untilReady(program, async () => ctr(socket, 'version') !== '');
  for (const [name, command] of [
    [BUSYBOX, ['/bin/sh']],
    [PAUSE, ['/bin/sleep', '2147483647']],
  ] as const) {
    const tar = imageTar(join(directory, 'image'), name, command);
    ctr(socket, '-n', 'k8s.io', 'images', 'import', '--no-unpack', tar);
  }
  const load = (tar: string) => void ctr(socket, '-n', 'k8s.io', 'images', 'import', tar);
  return { endpoint: `unix://${socket}`, program, load, stop: () => stop(socket, program, `kt${id}`, directory) };
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

async function stop(socket: string, program: Program, bridge: string, directory: string): Promise<void> {
  const quietly = (run: () => void) => {
    try {
      run();
    } catch {
      // It was not there.
    }
  };
  quietly(() => {
    const tasks = ctr(socket, '-n', 'k8s.io', 'tasks', 'ls', '-q').split('\n').filter(Boolean);
    for (const task of tasks) quietly(() => ctr(socket, '-n', 'k8s.io', 'tasks', 'rm', '-f', task));
  });
  await program.stop('SIGTERM');
  quietly(() => execFileSync('pkill', ['-9', '-f', `containerd-shim.*${socket}`]));
  unmountBelow(directory);
  quietly(() => execFileSync('ip', ['link', 'delete', bridge], { stdio: 'ignore' }));
}

function configuration(directory: string, socket: string): string {
  return `version = 2
root = "${directory}/root"
state = "${directory}/state"
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE}"
  disable_apparmor = true
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
    conf_dir = "${directory}/cni"
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

/** An image of busybox alone, as `docker save` writes it. @returns the path of the tar */
function imageTar(directory: string, name: string, command: readonly string[]): string {
  const root = join(directory, 'root');
  execFileSync('rm', ['-rf', directory]);
  for (const each of ['bin', 'tmp', 'etc', 'proc', 'dev', 'sys', 'var'])
    mkdirSync(join(root, each), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  copyFileSync(busybox, join(root, 'bin/busybox'));
  for (const tool of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n')) {
    if (tool && tool !== 'busybox') symlinkSync('busybox', join(root, 'bin', tool));
  }
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnobody:x:65534:\n');
  const layer = join(directory, 'layer.tar');
  execFileSync('tar', ['--numeric-owner', '--owner=0', '--group=0', '-C', root, '-cf', layer, '.']);
  const digest = createHash('sha256')
    .update(execFileSync('cat', [layer], { maxBuffer: 2 ** 28 }))
    .digest('hex');
  const config = {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Cmd: command, Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
    history: [{ created_by: 'keelson' }],
  };
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
  writeFileSync(
    join(directory, 'manifest.json'),
    JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }]),
  );
  const tar = join(directory, 'image.tar');
  execFileSync('tar', ['-C', directory, '-cf', tar, 'manifest.json', 'config.json', 'layer.tar']);
  return tar;
}
