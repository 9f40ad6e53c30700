/**
 * A cluster on real containers for upstream's end-to-end suite: `node cluster.ts DIRECTORY AGNHOST [keelson up's flags]`. DIRECTORY
 * has a short path and keeps nothing from one run to the next. It has two nodes, or as many as KEELSON_SUITE_NODES says. With
 * --pod-network-cidr among the flags `keelson pod-network` makes the network of their pods.
 * Ends at SIGINT or SIGTERM.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type Containerd, startContainerd, unmountBelow } from '../../support/containerd.ts';
import { freePort, type Program, startProgram, untilReady } from '../../support/process.ts';
import { fetched, tool } from '../../support/tools.ts';
import { suiteImages } from './images.ts';
import { type JoinedNetwork, joinNetwork } from './network.ts';
import { startRegistry } from './registry.ts';

const [directory, agnhost, ...flags] = process.argv.slice(2);
if (directory === undefined || agnhost === undefined) throw new Error('usage: cluster.ts DIRECTORY AGNHOST [FLAGS]');

/** A node besides that of `keelson up`. */
interface Machine {
  readonly name: string;
  readonly network: JoinedNetwork;
  readonly containerd: Containerd;
  /** Where its runtime looks for networks. */
  readonly networks: string;
}

const hasPodNetwork = flags.some((flag) => flag.startsWith('--pod-network-cidr='));

const ZONE = 'topology.kubernetes.io/zone';
const ZONES = 3;
const names = ['second', 'third', 'fourth', 'fifth', 'sixth'].slice(
  0,
  Number(process.env.KEELSON_SUITE_NODES ?? 2) - 1,
);
const root = join(import.meta.dirname, '../../..');
const own = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')!.address;
unmountBelow(directory);
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
const tar = suiteImages(join(directory, 'images'), agnhost);
const registry = await startRegistry(join(directory, 'images'), own);
const first = await containers('1');
const machines: Machine[] = [];
for (const [i, name] of names.entries()) {
  const network = joinNetwork(own, name, i + 2);
  const containerd = await containers(String(i + 2), network.within);
  if (!hasPodNetwork) network.leadPods(containerd.subnet);
  machines.push({ name, network, containerd, networks: networksOf(String(i + 2)) });
}

const port = await freePort();
const kubeconfig = join(directory, 'kubeconfig');
const cluster = keelson('keelson', 'up', [
  `--data-dir=${join(directory, 'data')}`,
  `--kubeconfig=${kubeconfig}`,
  '--bind-address=0.0.0.0',
  `--secure-port=${port}`,
  `--container-runtime-endpoint=${first.endpoint}`,
  ...(process.env.KUBE_PROXY ? ['--no-proxy'] : []),
  ...(hasPodNetwork ? [`--cni-conf-dir=${networksOf('1')}`] : []),
  ...flags,
]);
await untilReady(cluster, async () => cluster.output().includes('Keelson is ready'));
const fromAfar = join(directory, 'bootstrap.kubeconfig');
writeFileSync(fromAfar, readFileSync(kubeconfig, 'utf8').replace('127.0.0.1', own), { mode: 0o600 });
execFileSync(tool('kubectl'), ['--kubeconfig', kubeconfig, 'label', 'node', '--all', `${ZONE}=zone-0`]);
const nodes = machines.flatMap((machine) => [
  proxyOf(machine),
  kubeletOf(machine),
  ...(hasPodNetwork ? [podNetworkOf(machine)] : []),
]);
if (process.env.KUBE_PROXY) nodes.push(proxyOf());
process.stdout.write(`${cluster.output()}ready: ${kubeconfig}\n`);

await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), cluster.exited]);
for (const each of nodes) await each.stop();
await cluster.stop();
for (const each of [first, ...machines.map(({ containerd }) => containerd)]) await each.stop();
unmountBelow(directory);
process.exit();

function networksOf(name: string): string {
  return join(directory!, name, 'networks');
}

async function containers(name: string, within: readonly string[] = []): Promise<Containerd> {
  mkdirSync(join(directory!, name));
  const containerd = await startContainerd(join(directory!, name), {
    within,
    ...(hasPodNetwork ? { networks: networksOf(name) } : {}),
    mirrors: { 'registry.k8s.io': registry },
  });
  containerd.load(tar);
  return containerd;
}

/** One of the project's programs. */
function keelson(
  name: string,
  command: string,
  args: readonly string[],
  within: readonly string[] = [],
  log = name,
): Program {
  const main = join(root, `packages/cluster/src/bin/${name}.ts`);
  const line = [process.execPath, '--conditions=keelson-source', main, ...(command ? [command] : []), ...args];
  return started(log, [...within, ...line]);
}

/** A program whose output goes to a file. */
function started(name: string, [path, ...args]: readonly string[]): Program {
  const program = startProgram(path!, args, { env: { PATH: `${fetched('usr/bin')}:${process.env.PATH}` } });
  const write = () => writeFileSync(join(directory!, `${name}.log`), program.output());
  const timer = setInterval(write, 1_000);
  void program.exited.then(() => clearInterval(timer)).then(write);
  return program;
}

function kubeletOf({ name, network, containerd }: Machine): Program {
  const folder = join(directory!, name);
  mkdirSync(folder);
  const args = [
    `--hostname-override=${name}`,
    `--node-ip=${network.address}`,
    `--node-labels=${ZONE}=zone-${(names.indexOf(name) + 1) % ZONES}`,
    `--root-dir=${folder}`,
    `--cert-dir=${join(folder, 'pki')}`,
    `--kubeconfig=${join(folder, 'kubeconfig')}`,
    `--bootstrap-kubeconfig=${fromAfar}`,
    `--config=${kubeletConfiguration(folder, containerd.endpoint)}`,
  ];
  return keelson('kubelet', '', args, network.within, `kubelet-${name}`);
}

function kubeletConfiguration(folder: string, containerRuntimeEndpoint: string): string {
  const file = join(folder, 'kubelet.json');
  const configuration = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint,
    clusterDNS: ['10.96.0.10'],
    authentication: { x509: { clientCAFile: join(directory!, 'data/pki/ca.crt') } },
    podLogsDir: join(folder, 'logs'),
    failSwapOn: false,
    // However full the machine's disk is.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'nodefs.available': '0%' },
  };
  writeFileSync(file, JSON.stringify(configuration));
  return file;
}

function podNetworkOf({ name, network, networks }: Machine): Program {
  const args = [
    `--kubeconfig=${fromAfar}`,
    `--hostname-override=${name}`,
    `--cni-conf-dir=${networks}`,
    `--cni-ipam-dir=${join(networks, 'addresses')}`,
  ];
  return keelson('keelson', 'pod-network', args, network.within, `pod-network-${name}`);
}

/** Upstream's, or Keelson's. How many flows the kernel keeps is left as it is, for a network of one's own has no say in it. */
function proxyOf(machine?: Machine): Program {
  const args = [
    `--kubeconfig=${machine ? fromAfar : kubeconfig}`,
    ...(machine ? [`--hostname-override=${machine.name}`] : []),
    '--conntrack-max-per-core=0',
    '--conntrack-min=0',
  ];
  const [within, log] = [machine?.network.within ?? [], `kube-proxy-${machine?.name ?? 'first'}`];
  const program = process.env.KUBE_PROXY;
  return program === undefined
    ? keelson('keelson', 'kube-proxy', args, within, log)
    : started(log, [...within, program, '--proxy-mode=iptables', ...args]);
}
