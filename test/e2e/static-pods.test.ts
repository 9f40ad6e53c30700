/** A control plane of static pods in containerd, as `keelson init` writes them and the kubelet runs them. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DaemonSet } from '@keelson/api/generated/types/apps/v1';
import type { CertificateSigningRequest } from '@keelson/api/generated/types/certificates/v1';
import type { Event, Node, Pod } from '@keelson/api/generated/types/core/v1';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BUSYBOX } from '../support/containerd.ts';
import { type Kubectl, kubectl } from '../support/kubectl.ts';
import { type Machine, type Machines, noMachines, startMachines } from '../support/machine.ts';
import type { Program } from '../support/process.ts';
import { missing } from '../support/tools.ts';
import { commandOf } from '../support/units.ts';

const bin = (name: string) => join(import.meta.dirname, '../../bin', name);
const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const skip = noMachines() ?? missing('kubectl') ?? missing('etcd') ?? missing('nft');
const soon = { timeout: 30_000, interval: 200 };
const late = { timeout: 60_000, interval: 200 };

describe.skipIf(skip)(`a control plane of static pods${skip ? `: ${skip}` : ''}`, { timeout: 120_000 }, () => {
  let machines: Machines;
  let machine: Machine;
  let worker: Machine;
  let kubelet: Program;
  let workerKubelet: Program | undefined;
  let joining: string;
  let k: Kubectl;

  beforeAll(async () => {
    machines = await startMachines(['cp1', 'worker1'], { podNetwork: false });
    [machine, worker] = machines.all as [Machine, Machine];
    await writeFile(join(machine.root, 'config.yaml'), configuration(machine));
    k = kubectl(join(machine.root, 'etc/kubernetes/admin.conf'), machine.within);
  }, 60_000);

  afterAll(async () => {
    for (const each of [kubelet, workerKubelet]) await each?.stop();
    await machines?.stop();
  }, 60_000);
  beforeEach(({ onTestFailed }) => onTestFailed(() => console.error(logs())));

  const keelson = (command: string, ...args: string[]) =>
    machine.run(bin('keelson'), [
      command,
      '--root',
      machine.root,
      '--config',
      join(machine.root, 'config.yaml'),
      ...args,
    ]);

  /** As its unit would. */
  function startKubelet({ root, start }: Machine): Program {
    const [command, ...args] = commandOf(join(root, 'etc/systemd/system/kubelet.service'));
    return start(command!, args);
  }

  /** The ends of what the kubelets and the containers of the control plane have logged. */
  function logs(): string {
    const folder = join(machine.root, 'var/log/pods');
    const files = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
    const texts = files
      .filter((file) => /kube-system.*\.log$/.test(file))
      .map((file) => [file, readFileSync(join(folder, file), 'utf8')]);
    const all = [...texts, ...[kubelet, workerKubelet].map((each, i) => [`kubelet ${i}`, each?.output() ?? ''])];
    return all.map(([name, text]) => `--- ${name}\n${text!.slice(-2000)}`).join('\n');
  }

  const manifest = (name: string) => join(machine.root, 'etc/kubernetes/manifests', `${name}.yaml`);
  const pod = (name: string) => k.json<Pod>`get pod -n kube-system ${name}-cp1`;
  const isReady = ({ status }: Pod) =>
    status.conditions!.some((each) => each.type === 'Ready' && each.status === 'True');
  const restarts = ({ status }: Pod) => status.containerStatuses![0]!.restartCount;
  /** What identifies the containers that run now: an identity that changes when one is made anew. */
  const containers = async (names: readonly string[] = CONTROL_PLANE) =>
    Promise.all(names.map(async (name) => (await pod(name)).status.containerStatuses![0]!.containerID));
  /** The command lines of all processes of this name in the machine's network, which the pods of the control plane are in. */
  const commandLines = (name: string) => {
    const [within = '', ...args] = machine.within;
    const network = execFileSync(within, [...args, 'readlink', '/proc/self/ns/net'], { encoding: 'utf8' });
    const lines = execFileSync('ps', ['-eo', 'netns,args', '-ww'], { encoding: 'utf8' }).split('\n');
    const own = `${/\d+/.exec(network)![0]} ${name} `;
    return lines.map((line) => line.trim()).filter((line) => line.startsWith(own));
  };
  const isRunningWith = (name: string, flag: string) => commandLines(name).some((line) => line.includes(` ${flag}`));

  test('keelson init writes the manifests, and finishes when the kubelet runs what they say', async () => {
    expect(await keelson('init')).toMatch(/nothing here starts what is in .*manifests/);
    for (const name of CONTROL_PLANE) await hurry(manifest(name));
    kubelet = startKubelet(machine);
    const output = await keelson('init', '--skip-phases=etcd,control-plane');
    expect(output).toMatch(/^\[wait-control-plane\] the control plane is well$/m);
    joining = /^ {2}keelson (join .*)$/m.exec(output)![1]!;
  });

  test('runs, and is seen in kube-system', async () => {
    await expect.poll(async () => (await Promise.all(CONTROL_PLANE.map(pod))).every(isReady), late).toBe(true);
    for (const name of CONTROL_PLANE) {
      const { metadata, spec } = await pod(name);
      expect(metadata.labels).toEqual({ component: name, tier: 'control-plane' });
      expect(metadata.annotations).toMatchObject({ 'kubernetes.io/config.source': 'file' });
      expect(metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Node', name: 'cp1', controller: true });
      expect(spec).toMatchObject({ nodeName: 'cp1', hostNetwork: true, priorityClassName: 'system-node-critical' });
    }
    const [container] = (await pod('kube-apiserver')).spec.containers!;
    expect(container!.command).toContain('--etcd-servers=https://127.0.0.1:2379');
    expect(isRunningWith('kube-apiserver', `--advertise-address=${machine.address}`)).toBe(true);
  });

  test('the kubelet serves with a certificate of the cluster once somebody has approved it, and not before', async () => {
    const logs = () => k`logs -n kube-system etcd-cp1 --tail=1`;
    await expect(logs()).rejects.toThrow('remote error: tls: internal error');
    await approve();
    await expect.poll(() => logs().catch(() => ''), soon).not.toBe('');
    expect(existsSync(join(machine.root, 'var/lib/kubelet/pki/kubelet-server-current.pem'))).toBe(true);
  });

  /** The serving certificate that a kubelet asks for. */
  async function approve(): Promise<void> {
    const requests = async () => {
      const { items } = await k.json<{ items: CertificateSigningRequest[] }>`get csr`;
      return items.filter(
        ({ spec, status }) => spec.signerName === 'kubernetes.io/kubelet-serving' && !status?.conditions,
      );
    };
    await expect.poll(requests, soon).toHaveLength(1);
    const [request] = await requests();
    await k.with({})`certificate approve ${request!.metadata.name!}`;
  }

  test('a machine does not join a cluster that it cannot trust', async () => {
    const attempt = (command: string) => {
      const { root, start } = worker;
      const program = start(bin('keelson'), [...command.split(' '), '--root', root]);
      return program.exited.then((code) => ({ code, output: program.output() }));
    };
    const stranger = await attempt(joining.replace(/sha256:.*/, `sha256:${'0'.repeat(64)}`));
    expect(stranger.code).toBe(1);
    expect(stranger.output).toContain(
      'cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "sha256:',
    );
    const forger = await attempt(joining.replace(/(--token \w+)\.\w+/, '$1.0000000000000000'));
    expect(forger.code).toBe(1);
    expect(forger.output).toContain(
      "failed to verify JWS signature of received cluster info object, can't trust this API Server",
    );
  });

  test('a token can be made later, with how a machine joins by it', async () => {
    const flags = ['--root', machine.root, '--ttl', '1h', '--print-join-command'];
    const line = await machine.run(bin('keelson'), ['token', 'create', ...flags]);
    const [command, , , ...others] = joining.split(' ');
    expect(line).toMatch(new RegExp(`^keelson ${command} 10\\.120\\.0\\.10:6443 --token \\w{6}\\.\\w{16} --disc`));
    expect(line.trim().split(' ').slice(5)).toEqual(others.slice(1));
    joining = line.trim().slice('keelson '.length);
  });

  test('a file says where the cluster is as well, and a dry run writes nothing', async () => {
    const { root, name, start } = worker;
    const file = join(root, 'cluster-info.conf');
    await writeFile(file, await k`get configmap -n kube-public cluster-info -o jsonpath={.data.kubeconfig}`);
    const [, token] = /--token (\S+)/.exec(joining)!;
    const flags = ['--discovery-file', file, '--tls-bootstrap-token', token!, '--node-name', name, '--root', root];
    const program = start(bin('keelson'), ['join', ...flags, '--dry-run']);
    expect(await program.exited, program.output()).toBe(0);
    expect(program.output()).toContain('[kubelet-start] would start the kubelet');
    expect(existsSync(join(root, 'etc/kubernetes'))).toBe(false);
  });

  test('keelson join makes a machine a node, with a certificate that the cluster has signed', async () => {
    const { root, name, start, containerd } = worker;
    const at = (path: string) => join(root, path);
    const flags = ['--root', root, '--node-name', name, '--cri-socket', containerd.endpoint];
    const program = start(bin('keelson'), [...joining.split(' '), ...flags]);
    await expect.poll(() => program.output(), soon).toContain('[kubelet-start] start the kubelet');
    const config = at('var/lib/kubelet/config.yaml');
    await writeFile(config, (await readFile(config, 'utf8')).replaceAll(machine.root, root));
    workerKubelet = startKubelet(worker);
    expect(await program.exited, program.output()).toBe(0);
    expect(program.output()).toMatch(
      /^\[discovery\] .*\n\[discovery\] https:\/\/10\.120\.0\.10:6443 is the API server/m,
    );
    expect(program.output()).toContain('This machine is a node of the cluster.');
    expect(existsSync(at('etc/kubernetes/bootstrap-kubelet.conf'))).toBe(false);
    expect(await readFile(at('etc/kubernetes/kubelet.conf'), 'utf8')).toContain(
      at('var/lib/kubelet/pki/kubelet-client-current.pem'),
    );
    await k`wait --for=condition=Ready node/worker1 --timeout=60s`;
    const { items } = await k.json<{ items: CertificateSigningRequest[] }>`get csr`;
    expect(items.map(({ spec, status }) => [spec.signerName, status?.conditions?.[0]?.type])).toContainEqual([
      'kubernetes.io/kube-apiserver-client-kubelet',
      'Approved',
    ]);
    await approve();
  });

  test('pods of both nodes are one network, with services and names', async () => {
    for (const name of ['kube-proxy', 'keelson-pod-network']) {
      await k`rollout status -n kube-system daemonset/${name} --timeout=60s`;
      const { status } = await k.json<DaemonSet>`get -n kube-system daemonset ${name}`;
      expect(status).toMatchObject({ desiredNumberScheduled: 2, numberReady: 2 });
    }
    // Though both are on one segment: others may not be.
    for (const each of machines.all)
      await expect.poll(() => each.run('ip', ['link', 'show', 'type', 'vxlan']), soon).toContain('keelson-vxlan4');
    // Once both kubelets serve with what was approved.
    const isTold = () =>
      k`logs -n kube-system -l k8s-app=keelson-pod-network --tail=-1`.then(
        (logs) => logs.includes('is not installed'),
        (error: Error) => error.message,
      );
    await expect.poll(isTold, soon).toBe(false);
    await k`rollout status -n kube-system deployment/coredns --timeout=60s`;
    // Both servers are on the node that was there first.
    const script = `const { Resolver } = require('dns').promises; const resolver = new Resolver({ timeout: 500, tries: 1 });
      resolver.setServers(['10.96.0.10']);
      resolver.resolve4('kubernetes.default.svc.cluster.local').then((all) => console.log(all[0]), (e) => console.log(e.code))`;
    for (const each of machines.all)
      await expect.poll(() => each.run(process.execPath, ['-e', script]), soon).toBe('10.96.0.1\n');
  });

  test('works: a deployment is made into pods, on the node that takes them', async () => {
    await k`create deployment web --image=${BUSYBOX} --replicas=2 -- sleep 1000`;
    const pods = async () => (await k.json<{ items: Pod[] }>`get pods -l app=web`).items;
    const phases = async () => (await pods()).map(({ status }) => status.phase);
    await expect.poll(phases, late).toEqual(['Running', 'Running']);
    expect((await pods()).map(({ spec }) => spec.nodeName)).toEqual(['worker1', 'worker1']);
    expect(await k`exec deploy/web -- echo reached`).toBe('reached\n');
    await k`delete deployment web --cascade=orphan`;
    await k`delete replicasets,pods -l app=web --grace-period=1 --timeout=60s`;
  });

  test('a changed flag starts that pod anew with it, and no other', async () => {
    const before = await containers();
    const text = await readFile(manifest('kube-scheduler'), 'utf8');
    await writeFile(
      manifest('kube-scheduler'),
      text.replace('- --leader-elect=true', '- --leader-elect=true\n    - --v=3'),
    );
    await expect.poll(async () => (await pod('kube-scheduler')).spec.containers![0]!.command!, soon).toContain('--v=3');
    await expect.poll(async () => isReady(await pod('kube-scheduler')), late).toBe(true);
    expect(isRunningWith('kube-scheduler', '--v=3')).toBe(true);
    expect(
      commandLines('kube-scheduler').filter((line) => line.includes('/etc/kubernetes/scheduler.conf')),
    ).toHaveLength(1);
    const after = await containers();
    expect(after.slice(0, 3)).toEqual(before.slice(0, 3));
    expect(after[3]).not.toEqual(before[3]);
  });

  test('so does one of the API server, though all speak to it', async () => {
    const before = await containers();
    const text = await readFile(manifest('kube-apiserver'), 'utf8');
    const flag = '--max-requests-inflight=321';
    await writeFile(manifest('kube-apiserver'), text.replace('- --secure-port', `- ${flag}\n    - --secure-port`));
    await expect.poll(() => isRunningWith('kube-apiserver', flag), late).toBe(true);
    await expect.poll(async () => (await pod('kube-apiserver')).spec.containers![0]!.command!, late).toContain(flag);
    await expect.poll(async () => (await Promise.all(CONTROL_PLANE.map(pod))).every(isReady), late).toBe(true);
    expect((await containers(['etcd']))[0]).toEqual(before[0]);
  });

  test('a broken manifest is told of, and harms none', async () => {
    const before = await containers();
    const text = await readFile(manifest('kube-controller-manager'), 'utf8');
    await writeFile(manifest('kube-controller-manager'), text.replace('image:', 'image: ['));
    await writeFile(
      manifest('another'),
      'apiVersion: v1\nkind: Pod\nmetadata: {name: another}\nspec: {containers: [{name: c}]}\n',
    );
    const told = async () => {
      const { items } = await k.json<{ items: Event[] }>`get events --field-selector ${'reason=FailedValidation'}`;
      return items.map(({ message }) => message);
    };
    await expect.poll(told, soon).toHaveLength(2);
    expect(await told()).toEqual(
      expect.arrayContaining([
        expect.stringContaining(`${manifest('kube-controller-manager')}: couldn't parse as pod(`),
        `Could not process manifest file ${manifest('another')}: invalid pod: [spec.containers[0].image: Required value]`,
      ]),
    );
    expect(kubelet.output()).toMatch(/"Could not process manifest file".*kube-controller-manager\.yaml/);
    expect(await containers()).toEqual(before);
    await writeFile(manifest('kube-controller-manager'), text);
    await rm(manifest('another'));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await containers()).toEqual(before);
  });

  test('a manifest that goes takes its pod with it, and brings it back', async () => {
    const text = await readFile(manifest('kube-scheduler'), 'utf8');
    await rm(manifest('kube-scheduler'));
    await expect.poll(() => k`get pods -n kube-system -o name`, soon).not.toContain('kube-scheduler');
    await expect.poll(() => isRunningWith('kube-scheduler', '--v=3'), soon).toBe(false);
    await writeFile(manifest('kube-scheduler'), text);
    await expect.poll(async () => isReady(await pod('kube-scheduler')), late).toBe(true);
  });

  test('a mirror that is deleted comes back, and its pod goes on', async () => {
    const before = await pod('etcd');
    await k`delete pod -n kube-system etcd-cp1 --force --grace-period=0`;
    await expect.poll(async () => (await pod('etcd')).metadata.uid, soon).not.toBe(before.metadata.uid);
    await expect.poll(async () => isReady(await pod('etcd')), soon).toBe(true);
    expect((await pod('etcd')).status.containerStatuses![0]!.containerID).toBe(
      before.status.containerStatuses![0]!.containerID,
    );
  });

  test('an API server that is killed is started again', async () => {
    const before = restarts(await pod('kube-apiserver'));
    const [id] = await containers(['kube-apiserver']);
    machine.containerd.kill(id!.replace('containerd://', ''));
    await expect.poll(async () => restarts(await pod('kube-apiserver')), late).toBe(before + 1);
    await expect.poll(async () => isReady(await pod('kube-apiserver')), late).toBe(true);
  });

  test('a kubelet that starts again goes on with what runs, and replaces what was changed meanwhile', async () => {
    const before = await containers();
    await kubelet.stop();
    const text = await readFile(manifest('kube-scheduler'), 'utf8');
    await writeFile(manifest('kube-scheduler'), text.replace('--v=3', '--v=4'));
    kubelet = startKubelet(machine);
    await expect.poll(() => isRunningWith('kube-scheduler', '--v=4'), late).toBe(true);
    // The mirror of before is replaced by one without a status.
    await expect.poll(async () => (await pod('kube-scheduler')).spec.containers![0]!.command!, late).toContain('--v=4');
    await expect.poll(async () => (await Promise.all(CONTROL_PLANE.map(pod))).every(isReady), late).toBe(true);
    expect(isRunningWith('kube-scheduler', '--v=3')).toBe(false);
    expect((await containers()).slice(0, 3)).toEqual(before.slice(0, 3));
    const { status } = await k.json<Node>`get node cp1`;
    expect(status!.conditions!.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'True' });
  });
});

/** Has probes ask each second from the first on, and as long as before: a test has no time to lose. */
async function hurry(file: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const longer = (_: string, times: string) => `failureThreshold: ${Number(times) * 10}`;
  const quick = text.replaceAll(/(initialDelaySeconds|periodSeconds): 10/g, '$1: 1');
  await writeFile(file, quick.replaceAll(/failureThreshold: (\d+)/g, longer));
}

/** As a file for `keelson init --config`. */
function configuration({ name, address, containerd, root }: Machine): string {
  return `
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: ${address}}
nodeRegistration: {name: ${name}, criSocket: ${containerd.endpoint}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking: {podSubnet: 10.244.0.0/16}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
failSwapOn: false
podLogsDir: ${root}/var/log/pods
serverTLSBootstrap: true
imageGCHighThresholdPercent: 100
evictionHard: { nodefs.available: 0% }
`;
}
