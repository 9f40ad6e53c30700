/** A machine that joins a control plane of static pods, by a file: its kubelet runs what it writes. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigMap, Node, Pod } from '@keelson/api/generated/types/core/v1';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Kubectl, kubectl } from '../support/kubectl.ts';
import { type Machine, type Machines, noMachines, startMachines } from '../support/machine.ts';
import type { Program } from '../support/process.ts';
import { missing } from '../support/tools.ts';
import { commandOf } from '../support/units.ts';

const bin = (name: string) => join(import.meta.dirname, '../../bin', name);
const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const SHARED = '10.120.0.100';
const KEY = '0123456789abcdef'.repeat(4);
const skip = noMachines() ?? missing('kubectl') ?? missing('etcd') ?? missing('nft');
const late = { timeout: 60_000, interval: 200 };

describe.skipIf(skip)(
  `a control plane of static pods that another joins${skip ? `: ${skip}` : ''}`,
  {
    timeout: 180_000,
  },
  () => {
    let machines: Machines;
    let [first, second]: Machine[] = [];
    const kubelets: Program[] = [];
    let k: Kubectl;

    beforeAll(async () => {
      machines = await startMachines(['cp1', 'cp2'], { podNetwork: false });
      [first, second] = machines.all;
      machines.lend(SHARED, first!);
      await writeFile(join(first!.root, 'config.yaml'), configuration(first!));
      k = kubectl(join(first!.root, 'etc/kubernetes/admin.conf'), first!.within);
    }, 60_000);
    afterAll(async () => {
      for (const kubelet of kubelets) await kubelet.stop();
      await machines?.stop();
    }, 60_000);
    beforeEach(({ onTestFailed }) =>
      onTestFailed(() => console.error(kubelets.map((each) => each.output().slice(-4000)).join('\n---\n'))),
    );

    /** As its unit would. */
    function startKubelet({ root, start }: Machine): void {
      const [command, ...args] = commandOf(join(root, 'etc/systemd/system/kubelet.service'));
      kubelets.push(start(command!, args));
    }

    const pods = async (node: string) =>
      Promise.all(CONTROL_PLANE.map((name) => k.json<Pod>`get pod -n kube-system ${name}-${node}`));

    test('it is one of two, each with all parts', async () => {
      const { root, run } = first!;
      const init = (...args: string[]) =>
        run(bin('keelson'), ['init', '--root', root, '--config', join(root, 'config.yaml'), ...args]);
      await init();
      startKubelet(first!);
      const output = await init('--upload-certs', '--skip-certificate-key-print', '--skip-phases=etcd,control-plane');
      expect(output).not.toContain(KEY);
      expect(output).toContain('--control-plane --certificate-key KEY');
      const [hash] = /sha256:[0-9a-f]{64}/.exec(output)!;

      const at = (path: string) => join(second!.root, path);
      await writeFile(at('join.yaml'), joining(second!, hash!));
      const program = second!.start(bin('keelson'), ['join', '--root', second!.root, '--config', at('join.yaml')]);
      await expect.poll(() => program.output(), late).toContain('[kubelet-start] start the kubelet');
      const config = at('var/lib/kubelet/config.yaml');
      await writeFile(config, (await readFile(config, 'utf8')).replaceAll(root, second!.root));
      startKubelet(second!);
      expect(await program.exited, program.output()).toBe(0);
      expect(program.output()).toContain('[etcd-join] etcd has 2 members with a vote');
      expect(program.output()).not.toContain(KEY);
      expect(existsSync(at('etc/kubernetes/bootstrap-kubelet.conf'))).toBe(false);
    });

    test('its pods are seen, and its node is of the control plane', async () => {
      await expect.poll(() => pods('cp2').then((all) => all.length), late).toBe(CONTROL_PLANE.length);
      const [etcd, apiserver] = await pods('cp2');
      expect(etcd!.metadata.annotations).toMatchObject({
        'kubeadm.kubernetes.io/etcd.advertise-client-urls': `https://${second!.address}:2379`,
      });
      expect(etcd!.spec.containers![0]!.command).toEqual(
        expect.arrayContaining(['--initial-cluster-state=existing', '--name=cp2']),
      );
      expect(apiserver!.spec.containers![0]!.command).toContain(`--advertise-address=${second!.address}`);
      const { metadata, spec } = await k.json<Node>`get node cp2`;
      expect(metadata.labels).toHaveProperty(['node-role.kubernetes.io/control-plane'], '');
      expect(spec.taints).toContainEqual({ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' });
    });

    test('whoever asks it is told the same', async () => {
      await k`create configmap told --from-literal=a=b`;
      const there = await k`--server https://${second!.address}:6443 get configmap told -o jsonpath={.data.a}`;
      expect(there).toBe('b');
    });

    test('upgrade has a machine run what the cluster says now, and nothing else anew', async () => {
      const upgrade = ({ root, run }: Machine, ...args: string[]) =>
        run(bin('keelson'), ['upgrade', ...args, '--root', root, '--ignore-preflight-errors=ControlPlaneNodesReady']);
      const etcdOf = async ({ name }: Machine) => (await pods(name))[0]!.status.containerStatuses![0]!.containerID;
      const plan = await first!.run(bin('keelson'), ['upgrade', 'plan', '--root', first!.root]);
      for (const component of ['kubelet', ...CONTROL_PLANE])
        expect(plan).toMatch(new RegExp(`^${component} +cp2 +v1\\.36\\.\\d+ +v1\\.36\\.\\d+$`, 'm'));
      const config = await k.json<ConfigMap>`get configmap -n kube-system kubeadm-config`;
      const more = '{extraArgs: [{name: v, value: "3"}]}';
      const text = config.data!.ClusterConfiguration!.replace(/^(apiServer|scheduler): \{\}$/gm, `$1: ${more}`);
      expect(text.split(more)).toHaveLength(3);
      const patch = JSON.stringify({ data: { ClusterConfiguration: text } });
      await k`patch configmap -n kube-system kubeadm-config --type=merge -p ${patch}`;
      for (const [machine, verb] of [
        [second!, 'node'],
        [first!, 'apply'],
      ] as const) {
        const before = await etcdOf(machine);
        const output = await upgrade(machine, verb);
        for (const name of ['kube-apiserver', 'kube-scheduler'])
          expect(output).toContain(`[upgrade] Component "${name}" upgraded successfully!`);
        for (const name of ['etcd', 'kube-controller-manager'])
          expect(output).toContain(`[upgrade] ${name} runs as the configuration says`);
        const [, apiserver, , scheduler] = await pods(machine.name);
        for (const pod of [apiserver, scheduler]) expect(pod!.spec.containers![0]!.command).toContain('--v=3');
        expect(await etcdOf(machine)).toBe(before);
        expect(output).toMatch(/^\[renew\] scheduler\.conf is valid until /m);
      }
      expect(await upgrade(second!, 'node', 'phase', 'control-plane')).not.toContain('upgraded successfully');
    });
  },
);

const kubeletOf = (root: string) => `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
failSwapOn: false
podLogsDir: ${root}/var/log/pods
imageGCHighThresholdPercent: 100
evictionHard: { nodefs.available: 0% }
`;

const configuration = ({ name, address, containerd, root }: Machine) => `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
certificateKey: ${KEY}
bootstrapTokens: [{token: abcdef.0123456789abcdef}]
localAPIEndpoint: {advertiseAddress: ${address}}
nodeRegistration: {name: ${name}, criSocket: ${containerd.endpoint}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
encryptionAlgorithm: ECDSA-P256
controlPlaneEndpoint: ${SHARED}:6443
dns: {disabled: true}
proxy: {disabled: true}
---
${kubeletOf(root)}`;

const joining = ({ name, address, containerd }: Machine, hash: string) => `apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
nodeRegistration: {name: ${name}, criSocket: ${containerd.endpoint}}
controlPlane: {localAPIEndpoint: {advertiseAddress: ${address}}, certificateKey: ${KEY}}
discovery:
  bootstrapToken: {token: abcdef.0123456789abcdef, apiServerEndpoint: "${SHARED}:6443", caCertHashes: ["${hash}"]}
`;
