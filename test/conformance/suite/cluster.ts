/**
 * A cluster of two nodes on real containers for upstream's end-to-end suite: `node cluster.ts DIRECTORY AGNHOST [keelson up's flags]`.
 * DIRECTORY has a short path and keeps nothing from one run to the next. Ends at SIGINT or SIGTERM.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type Containerd, startContainerd, unmountBelow } from '../../support/containerd.ts';
import { freePort, type Program, startProgram, untilReady } from '../../support/process.ts';
import { fetched } from '../../support/tools.ts';
import { suiteImages } from './images.ts';
import { startRegistry } from './registry.ts';

const [directory, agnhost, ...flags] = process.argv.slice(2);
if (directory === undefined || agnhost === undefined) throw new Error('usage: cluster.ts DIRECTORY AGNHOST [FLAGS]');

const root = join(import.meta.dirname, '../../..');
const own = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')!.address;
unmountBelow(directory);
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
const tar = suiteImages(join(directory, 'images'), agnhost, process.env.KEELSON_SAMPLE_APISERVER);
const registry = await startRegistry(join(directory, 'images'));
const [first, second] = [await containers('1'), await containers('2')];

const port = await freePort();
const kubeconfig = join(directory, 'kubeconfig');
const cluster = keelson('keelson', 'up', [
  `--data-dir=${join(directory, 'data')}`,
  `--kubeconfig=${kubeconfig}`,
  '--bind-address=0.0.0.0',
  `--secure-port=${port}`,
  `--container-runtime-endpoint=${first.endpoint}`,
  ...(process.env.KUBE_PROXY ? ['--no-proxy'] : []),
  ...flags,
]);
await untilReady(cluster, async () => cluster.output().includes('Keelson is ready'));
const undo = process.env.KUBE_PROXY ? startProxy(process.env.KUBE_PROXY) : () => {};
const secondNode = keelson('kubelet', '', [
  '--hostname-override=second',
  `--node-ip=${own}`,
  `--root-dir=${join(directory, 'second')}`,
  `--cert-dir=${join(directory, 'second/pki')}`,
  `--kubeconfig=${join(directory, 'second.kubeconfig')}`,
  `--bootstrap-kubeconfig=${kubeconfig}`,
  `--config=${kubeletConfiguration(second.endpoint, await freePort(), await freePort())}`,
]);
process.stdout.write(`${cluster.output()}ready: ${kubeconfig}\n`);

await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), cluster.exited]);
await undo();
await secondNode.stop();
await cluster.stop();
for (const each of [first, second]) await each.stop();
unmountBelow(directory);
process.exit();

async function containers(name: string): Promise<Containerd> {
  mkdirSync(join(directory!, name));
  const containerd = await startContainerd(join(directory!, name), { mirrors: { 'registry.k8s.io': registry } });
  containerd.load(tar);
  return containerd;
}

/** One of the project's programs. */
function keelson(name: string, command: string, args: readonly string[]): Program {
  const main = join(root, `packages/cluster/src/bin/${name}.ts`);
  return started(name, process.execPath, ['--conditions=keelson-source', main, ...(command ? [command] : []), ...args]);
}

/** A program whose output goes to a file. */
function started(name: string, path: string, args: readonly string[]): Program {
  const program = startProgram(path, args, { env: { PATH: `${fetched('usr/bin')}:${process.env.PATH}` } });
  const write = () => writeFileSync(join(directory!, `${name}.log`), program.output());
  const timer = setInterval(write, 1_000);
  void program.exited.then(() => clearInterval(timer)).then(write);
  return program;
}

function kubeletConfiguration(containerRuntimeEndpoint: string, port: number, healthzPort: number): string {
  const file = join(directory!, 'kubelet.json');
  const configuration = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint,
    port,
    healthzPort,
    clusterDNS: ['10.96.0.10'],
    authentication: { x509: { clientCAFile: join(directory!, 'data/pki/ca.crt') } },
    podLogsDir: join(directory!, 'second/logs'),
    // However full the machine's disk is.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'nodefs.available': '0%' },
  };
  writeFileSync(file, JSON.stringify(configuration));
  return file;
}

/**
 * In the place of that of the first node. One kube-proxy does for both nodes: they share the machine's tables. Its limits of connections are left as they are, for a network of
 * one's own has none to set.
 * @returns what ends it, and takes its rules away
 */
function startProxy(program: string): () => Promise<void> {
  const untouched = ['max-per-core', 'min', 'tcp-timeout-established', 'tcp-timeout-close-wait'];
  const proxy = started('kube-proxy', program, [
    `--kubeconfig=${kubeconfig}`,
    '--proxy-mode=iptables',
    ...untouched.map((name) => `--conntrack-${name}=0`),
  ]);
  return async () => {
    await proxy.stop();
    execFileSync(program, ['--cleanup'], { stdio: 'ignore' });
  };
}
