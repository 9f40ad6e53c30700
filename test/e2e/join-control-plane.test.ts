/** Machines that join a control plane: what they fetch, their members of etcd, and what is left when one is lost. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { Node, Secret } from '@keelson/api/generated/types/core/v1';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Host, type Hosts, noHosts, startHosts } from '../support/hosts.ts';
import { type Kubectl, kubectl } from '../support/kubectl.ts';
import type { Program } from '../support/process.ts';
import { missing, tool } from '../support/tools.ts';
import { commandOf } from '../support/units.ts';

const bin = (name: string) => join(import.meta.dirname, '../../bin', name);
const skip = noHosts() ?? missing('etcd') ?? missing('kubectl');
const services = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;
type Service = (typeof services)[number] | 'kubelet';

/** In front of all API servers. */
const SHARED = '10.120.0.100';
const PATIENCE = { timeout: 60_000, interval: 200 };
/** Leaders are elected, of etcd and of the controllers. */
const LONG = { timeout: 120_000, interval: 200 };
const NEVER = 'f'.repeat(64);

describe.skipIf(skip)(`keelson join --control-plane${skip ? `: ${skip}` : ''}`, { timeout: 240_000 }, () => {
  let hosts: Hosts;
  let [first, second, third]: Host[] = [];
  let admin: Kubectl;
  /** The words behind `keelson`. */
  let joining: string[];
  const running = new Map<Host, Map<Service, Program>>();

  beforeAll(async () => {
    process.env.PATH = [dirname(tool('etcd')), process.env.PATH].join(delimiter);
    hosts = await startHosts(['m1', 'm2', 'm3']);
    [first, second, third] = hosts.all;
    hosts.lend(SHARED, first!);
    await writeFile(join(first!.root, 'config.yaml'), configuration(first!));
    admin = kubectl(join(first!.root, 'etc/kubernetes/admin.conf'), second!.within);
  });
  afterAll(async () => {
    for (const host of running.keys()) await stop(host);
    await hosts?.stop();
  });
  beforeEach(({ onTestFailed }) => onTestFailed(() => console.error(logs())));

  /** As its unit would, started anew whenever it ends; the kubelet without a container runtime. */
  function start(host: Host, service: Service): void {
    const programs = running.get(host) ?? new Map<Service, Program>();
    running.set(host, programs);
    const [command, ...args] = commandOf(join(host.root, `etc/systemd/system/${service}.service`));
    const more = service === 'kubelet' ? ['--container-runtime-endpoint=simulated'] : [];
    const run = () => {
      const program = host.start(command!, [...args, ...more]);
      programs.set(service, program);
      void program.exited.then(() => running.get(host) === programs && run());
    };
    run();
  }

  async function stop(host: Host): Promise<void> {
    const programs = [...(running.get(host)?.values() ?? [])];
    running.delete(host);
    await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  }

  function logs(): string {
    const all = [...running].flatMap(([{ name }, programs]) =>
      [...programs].map(([service, program]) => `--- ${name} ${service}\n${program.output().slice(-1500)}`),
    );
    return all.join('\n');
  }

  const init = (...args: string[]) => {
    const { root, run } = first!;
    return run(bin('keelson'), ['init', ...args, '--systemd', '--root', root, '--config', join(root, 'config.yaml')]);
  };

  const joinProgram = ({ root, name, start: run }: Host, ...args: string[]) =>
    run(bin('keelson'), [...joining, '--root', root, '--node-name', name, ...args]);

  /** What it says when it refuses. */
  async function refusal(host: Host, ...args: string[]): Promise<string> {
    const program = joinProgram(host, ...args);
    expect(await program.exited, program.output()).toBe(1);
    return program.output();
  }

  /** Joins, and starts what it is told to. @returns what was said */
  async function joined(host: Host): Promise<string> {
    const program = joinProgram(host);
    const said = (text: string) =>
      expect.poll(() => (program.output().includes(text) ? text : program.output()), PATIENCE).toBe(text);
    await said('[kubelet-start] start the kubelet');
    start(host, 'kubelet');
    await said('[etcd-join] start etcd');
    for (const service of services) start(host, service);
    expect(await program.exited, program.output()).toBe(0);
    return program.output();
  }

  test('the first machine keeps its authorities in the cluster, and shows how others join', async () => {
    expect(await init()).toContain('start that, then run this command again');
    for (const service of [...services, 'kubelet'] as const) start(first!, service);
    const output = await init('--upload-certs');
    const [, key] = /^\[upload-certs\] Using certificate key:\n([0-9a-f]{64})$/m.exec(output)!;
    const command = /^ {2}keelson (join .* --control-plane --certificate-key (\S+) --systemd)$/m.exec(output)!;
    expect(command[2]).toBe(key);
    joining = command[1]!.split(' ');
    const secret = await admin.json<Secret>`get secret -n kube-system kubeadm-certs`;
    expect(secret.metadata.ownerReferences).toMatchObject([{ kind: 'Secret', controller: true }]);
    const { items } = await admin.json<{ items: Secret[] }>`get secrets -n kube-system`;
    const [owner] = items.filter(({ metadata }) => metadata.uid === secret.metadata.ownerReferences![0]!.uid);
    expect(owner).toMatchObject({ type: 'bootstrap.kubernetes.io/token' });
  });

  test('a wrong key, or none, is refused before anything is written; a dry run writes nothing either', async () => {
    const wrong = joining.map((word, i) => (joining[i - 1] === '--certificate-key' ? NEVER : word));
    const keep = joining;
    joining = wrong;
    expect(await refusal(second!)).toContain(
      'Error: error downloading certs: error decoding secret data with provided key: cipher: message authentication failed',
    );
    joining = keep.filter((word, i) => word !== '--certificate-key' && keep[i - 1] !== '--certificate-key');
    expect(await refusal(second!)).toContain(
      'Error: the certificates that must be shared among control plane instances are not provided',
    );
    joining = keep;
    const rehearsal = joinProgram(second!, '--dry-run');
    expect(await rehearsal.exited, rehearsal.output()).toBe(0);
    expect(rehearsal.output()).toContain('[etcd-join] Would add etcd member: https://10.120.0.11:2380');
    expect(rehearsal.output()).not.toMatch(/PRIVATE KEY|client-key-data/);
    expect(await readdir(second!.root)).toEqual(['run']);
  });

  test('two join at once: one after the other has a member of etcd without a vote, then with one', async () => {
    const outputs = await Promise.all([second!, third!].map(joined));
    const votes = outputs.map((output) => /^\[etcd-join\] etcd has (\d) members with a vote$/m.exec(output)?.[1]);
    expect(votes.sort()).toEqual(['2', '3']);
    for (const output of outputs) {
      expect(output).toContain('[wait-control-plane] the control plane is well');
      expect(output).not.toContain(joining[joining.indexOf('--certificate-key') + 1]);
    }
  });

  test('its keys are for their owner alone, and its own certificates are its own', async () => {
    const pki = (host: Host) => join(host.root, 'etc/kubernetes/pki');
    const files = await readdir(pki(second!), { recursive: true });
    expect(files.filter((file) => file.endsWith('.key')).length).toBeGreaterThan(8);
    for (const file of files.filter((each) => each.endsWith('.key')))
      expect(((await stat(join(pki(second!), file))).mode & 0o777).toString(8), file).toBe('600');
    const same = async (file: string) =>
      (await readFile(join(pki(first!), file), 'utf8')) === (await readFile(join(pki(second!), file), 'utf8'));
    expect(await Promise.all(['ca.key', 'front-proxy-ca.crt', 'etcd/ca.key', 'sa.key', 'sa.pub'].map(same))).toEqual(
      Array(5).fill(true),
    );
    expect(await Promise.all(['apiserver.crt', 'etcd/peer.key'].map(same))).toEqual([false, false]);
    expect(await readdir(join(second!.root, 'etc/kubernetes'))).not.toContain('super-admin.conf');
  });

  test('it is a node that is known to be of the control plane', async () => {
    const { metadata, spec } = await admin.json<Node>`get node m2`;
    expect(metadata.labels).toHaveProperty(['node-role.kubernetes.io/control-plane'], '');
    expect(spec.taints).toContainEqual({ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' });
  });

  test('reset takes its member out of etcd, so that it can join again', async () => {
    const { root, run } = third!;
    expect(await run(bin('keelson'), ['reset', '--root', root, '--force'])).toContain(
      '[reset] removed the etcd member https://10.120.0.12:2380',
    );
    await stop(third!);
    await admin`delete node m3`;
    await mkdir(join(root, 'run'), { recursive: true });
    expect(await joined(third!)).toContain('[etcd-join] etcd has 3 members with a vote');
  });

  test('one of them lost, the cluster is written to all the same', async () => {
    await stop(first!);
    hosts.unplug(first!);
    hosts.lend(SHARED, second!);
    const write = () => admin`create configmap after --from-literal=a=b --request-timeout=5s`;
    // What timed out may have been done all the same.
    await expect.poll(() => attempt(write), LONG).toMatch(/^done$|already exists/);
    const read = () => admin`--server https://${third!.address}:6443 get configmap after -o jsonpath={.data.a}`;
    await expect.poll(read, LONG).toBe('b');
  });

  test('what the cluster keeps no more is told of', async () => {
    await admin`delete secret -n kube-system kubeadm-certs`;
    const output = await refusal(third!, '--skip-phases', 'preflight');
    expect(output).toContain('Secret "kubeadm-certs" was not found in the "kube-system" Namespace');
    expect(output).toContain("run 'keelson init phase upload-certs --upload-certs'");
  });
});

async function attempt(what: () => Promise<unknown>): Promise<string> {
  try {
    await what();
    return 'done';
  } catch (error) {
    return (error as Error).message;
  }
}

const configuration = ({ name, address }: Host) => `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: ${address}}
nodeRegistration: {name: ${name}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
encryptionAlgorithm: ECDSA-P256
controlPlaneEndpoint: ${SHARED}:6443
proxy: {disabled: true}
`;
