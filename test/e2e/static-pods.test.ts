/** A control plane of static pods in containerd, as `keelson init` writes them and the kubelet runs them. */
import { execFileSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event, Node, Pod } from '@keelson/api/generated/types/core/v1';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Kubectl, kubectl } from '../support/kubectl.ts';
import { images, type Machine, type Machines, noImages, noMachines, startMachines } from '../support/machine.ts';
import type { Program } from '../support/process.ts';
import { missing } from '../support/tools.ts';

const bin = (name: string) => join(import.meta.dirname, '../../bin', name);
const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const skip = noMachines() ?? missing('kubectl') ?? missing('etcd') ?? noImages();

describe.skipIf(skip)(`a control plane of static pods${skip ? `: ${skip}` : ''}`, { timeout: 120_000 }, () => {
  let machines: Machines;
  let machine: Machine;
  let kubelet: Program;
  let k: Kubectl;

  beforeAll(async () => {
    machines = await startMachines(['cp1']);
    [machine] = machines.all as [Machine];
    for (const image of images) machine.containerd.load(image);
    const config = join(machine.root, 'config.yaml');
    await writeFile(config, configuration(machine));
    machine.run(bin('keelson'), ['init', '--root', machine.root, '--config', config]);
    await writeFile(join(machine.root, 'kubelet.yaml'), `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
staticPodPath: ${machine.root}/etc/kubernetes/manifests
podLogsDir: ${machine.root}/var/log/pods
rotateCertificates: true
healthzPort: 10248
authentication: {x509: {clientCAFile: ${machine.root}/etc/kubernetes/pki/ca.crt}}
`);
    kubelet = startKubelet(machine);
    k = kubectl(join(machine.root, 'etc/kubernetes/super-admin.conf'), machine.within);
    await eventually(async () => (await k`get --raw /readyz`) === 'ok', 60);
  }, 120_000);

  afterAll(async () => {
    await kubelet?.stop();
    await machines?.stop();
  }, 60_000);

  function startKubelet({ name, address, root, containerd, start }: Machine): Program {
    return start(bin('kubelet'), [
      `--kubeconfig=${root}/etc/kubernetes/kubelet.conf`,
      `--config=${root}/kubelet.yaml`,
      `--root-dir=${root}/var/lib/kubelet`,
      `--cert-dir=${root}/var/lib/kubelet/pki`,
      `--container-runtime-endpoint=${containerd.endpoint}`,
      `--hostname-override=${name}`,
      `--node-ip=${address}`,
    ]);
  }

  async function eventually(check: () => Promise<boolean>, seconds = 30): Promise<void> {
    let last: unknown = 'it was never so';
    for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
      try {
        if (await check()) return;
      } catch (error) {
        last = error;
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`not within ${seconds} s: ${last}\n${kubelet.output().slice(-6000)}`);
  }

  test('runs, and is seen in kube-system', async () => {
    await eventually(async () => (await k`get pods -n kube-system -o name`).trim().split('\n').length === 4, 60);
    expect(await k`get pods -n kube-system`).toBe('');
  });
});

/** As a file for `keelson init --config`. */
function configuration({ name, address, containerd }: Machine): string {
  return `
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: ${address}}
nodeRegistration: {name: ${name}, criSocket: ${containerd.endpoint}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking: {podSubnet: 10.244.0.0/16}
`;
}
