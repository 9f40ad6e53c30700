/** Two machines that `keelson init --systemd` and `keelson join` made a cluster of: their pods are one network, of both families. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node, Pod, Service } from '@keelson/api/generated/types/core/v1';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BUSYBOX } from '../support/containerd.ts';
import { type Kubectl, kubectl } from '../support/kubectl.ts';
import { type Machine, type Machines, noMachines, startMachines } from '../support/machine.ts';
import type { Program } from '../support/process.ts';
import { missing } from '../support/tools.ts';
import { commandOf } from '../support/units.ts';
import { noNetworks } from './net.ts';

const bin = join(import.meta.dirname, '../../bin/keelson');
const reason = noMachines() ?? missing('kubectl') ?? missing('etcd') ?? (await noNetworks());
const soon = { timeout: 60_000, interval: 200 };
const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet'];
const ADDONS = ['kube-proxy', 'keelson-pod-network'];

describe.skipIf(reason)(`the network of pods${reason ? `: ${reason}` : ''}`, { timeout: 180_000 }, () => {
  let machines: Machines;
  let [first, second]: Machine[] = [];
  let k: Kubectl;
  const running = new Map<string, Program>();

  beforeAll(async () => {
    machines = await startMachines(['first', 'second'], { podNetwork: false, images: false });
    [first, second] = machines.all as [Machine, Machine];
    for (const machine of machines.all)
      await machine.run('ip', ['address', 'add', `${ipv6(machine)}/64`, 'dev', 'eth0', 'nodad']);
    await writeFile(join(first.root, 'config.yaml'), configuration(first));
    k = kubectl(join(first.root, 'etc/kubernetes/admin.conf'), first.within);
  }, 60_000);
  afterAll(async () => {
    if (k) await k.result({})`delete pods --all --force --grace-period=0 --timeout=20s`;
    for (const program of [...running.values()].toReversed()) await program.stop();
    await machines?.stop();
  }, 90_000);
  beforeEach(({ onTestFailed }) =>
    onTestFailed(() => {
      for (const [name, program] of running) console.error(`--- ${name}\n${program.output().slice(-1500)}`);
    }),
  );

  /** As its unit would. */
  function start(machine: Machine, ...units: string[]): void {
    for (const unit of units) {
      const [command, ...args] = commandOf(join(machine.root, `etc/systemd/system/${unit}.service`));
      running.set(`${machine.name} ${unit}`, machine.start(command!, args));
    }
  }

  const init = () =>
    first!.run(bin, ['init', '--systemd', '--root', first!.root, '--config', join(first!.root, 'config.yaml')]);

  /** On a node, a page that says who asks for it, at a service of the same name. */
  async function serve(name: string, nodeName: string): Promise<void> {
    const page = '#!/bin/sh\\necho; echo $REMOTE_ADDR\\n';
    const script = `mkdir -p /www/cgi-bin; printf '${page}' >/www/cgi-bin/who; chmod +x /www/cgi-bin/who; httpd -f -p 8080 -h /www`;
    const container = { name: 'main', image: BUSYBOX, imagePullPolicy: 'Never', command: ['sh', '-c', script] };
    const spec = { nodeName, terminationGracePeriodSeconds: 1, containers: [container] };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } }, spec };
    await k.with({ stdin: JSON.stringify(pod) })`create -f -`;
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { selector: { app: name }, ipFamilyPolicy: 'RequireDualStack', ports: [{ port: 80, targetPort: 8080 }] },
    };
    await k.with({ stdin: JSON.stringify(service) })`create -f -`;
    await k`wait --for=condition=Ready pod/${name} --timeout=60s`;
  }

  const addressesOf = async (pod: string) => (await k.json<Pod>`get pod ${pod}`).status.podIPs!.map(({ ip }) => ip!);
  const inUrl = (address: string) => (address.includes(':') ? `[${address}]` : address);
  /** Whom a server sees when a pod asks it. */
  const seen = async (from: string, host: string, port: number) => {
    const { stdout, stderr } = await k.result(
      {},
    )`exec ${from} -- wget -q -O - http://${inUrl(host)}:${port}/cgi-bin/who`;
    return stdout.trim().replaceAll(/^\[?(::ffff:)?|\]$/g, '') || stderr;
  };
  const routes = async (machine: Machine) =>
    (await machine.run('ip', ['route', 'show', 'proto', '75'])) +
    (await machine.run('ip', ['-6', 'route', 'show', 'proto', '75']));

  test('init and join make a cluster of two machines', async () => {
    expect(await init()).toContain('start that, then run this command again');
    start(first!, ...CONTROL_PLANE);
    const output = await init();
    start(first!, 'keelson-dns', ...ADDONS);
    const joining = /^ {2}keelson (join .*)$/m.exec(output)![1]!.split(' ');
    const { root, name, containerd } = second!;
    await writeFile(
      join(root, 'join.yaml'),
      `apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
nodeRegistration:
  name: ${name}
  criSocket: ${containerd.endpoint}
  kubeletExtraArgs: [{name: node-ip, value: "${second!.address},${ipv6(second!)}"}]
discovery:
  bootstrapToken: {apiServerEndpoint: "${joining[1]}", token: ${joining[3]}, caCertHashes: ["${joining[5]}"]}
`,
    );
    const program = second!.start(bin, ['join', '--root', root, '--config', join(root, 'join.yaml')]);
    await expect.poll(() => program.output(), soon).toContain('[kubelet-wait-bootstrap] waiting');
    const config = join(root, 'var/lib/kubelet/config.yaml');
    await writeFile(config, (await readFile(config, 'utf8')).replaceAll(first!.root, root));
    start(second!, 'kubelet', ...ADDONS);
    expect(await program.exited, program.output()).toBe(0);
    expect(program.output()).toMatch(/^\[addon\] wrote .*keelson-pod-network\.service$/m);
    await k`wait --for=condition=Ready nodes --all --timeout=90s`;
  });

  test('each node has ranges for its pods, and a way to those of the other', async () => {
    const { items } = await k.json<{ items: Node[] }>`get nodes`;
    const ranges = new Map(items.map(({ metadata, spec }) => [metadata.name, spec!.podCIDRs!]));
    expect([...ranges.values()].flat()).toHaveLength(4);
    for (const [from, to] of [
      [first!, second!],
      [second!, first!],
    ] as const) {
      const [v4, v6] = ranges.get(to.name)!;
      for (const [range, via] of [
        [v4, to.address],
        [v6, ipv6(to)],
      ])
        await expect.poll(() => routes(from), soon).toContain(`${range} via ${via} dev eth0`);
    }
    for (const name of ['first', 'second']) await serve(`on-${name}`, name);
    const [v4, v6] = await addressesOf('on-second');
    expect(v4!.replace(/\d+$/, '0/24')).toBe(ranges.get('second')![0]);
    expect(v6).toMatch(/^fd00:10:244/);
  });

  test('the name server is ready as long as its machine is', async () => {
    const path = 'jsonpath={.endpoints[0].conditions.ready}';
    const ready = () => k`get endpointslice kube-dns-first -n kube-system -o ${path}`;
    const patch = [{ op: 'replace', path: '/endpoints/0/conditions/ready', value: false }];
    expect(await ready()).toBe('true');
    await k`patch endpointslice kube-dns-first -n kube-system --type=json --patch=${JSON.stringify(patch)}`;
    await expect.poll(ready, soon).toBe('true');
  });

  test('pods of two nodes see each other’s own addresses', async () => {
    const [from, to] = [await addressesOf('on-first'), await addressesOf('on-second')];
    for (const i of [0, 1]) {
      await expect.poll(() => seen('on-first', to[i]!, 8080), soon).toBe(from[i]);
      expect(await seen('on-second', from[i]!, 8080)).toBe(to[i]);
    }
  });

  test('services are reached from both nodes, by address and by name, also by the pod that answers', async () => {
    const own = { 'on-first': await addressesOf('on-first'), 'on-second': await addressesOf('on-second') };
    const { spec } = await k.json<Service>`get service on-second`;
    for (const [i, address] of spec!.clusterIPs!.entries())
      await expect.poll(() => seen('on-first', address, 80), soon).toBe(own['on-first'][i]);
    await expect.poll(() => seen('on-first', 'on-second', 80), soon).toMatch(/^[0-9a-f.:]+$/);
    await expect.poll(() => seen('on-second', 'on-first.default.svc.cluster.local', 80), soon).toMatch(/^[0-9a-f.:]+$/);
    // Through the node, which it then seems to come from.
    await expect.poll(() => seen('on-second', spec!.clusterIPs![0]!, 80), soon).toMatch(/^10\./);
  });

  test('two pods of one node reach each other through a service', async () => {
    await serve('beside', 'second');
    const { spec } = await k.json<Service>`get service beside`;
    const [own] = await addressesOf('on-second');
    await expect.poll(() => seen('on-second', spec!.clusterIP!, 80), soon).toBe(own);
  });

  test('a network policy isolates a pod, from those of its node and of others, and lets in whom it names', async () => {
    const [own] = await addressesOf('on-first');
    const [to] = await addressesOf('beside');
    const spec = {
      podSelector: { matchLabels: { app: 'beside' } },
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'on-first' } } }], ports: [{ port: 8080 }] }],
    };
    const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'beside' }, spec };
    const asked = async (from: string) =>
      (await k.result({})`exec ${from} -- timeout 3 wget -q -O - http://${to!}:8080/cgi-bin/who`).stdout.trim();
    await expect.poll(() => asked('on-second'), soon).not.toBe('');
    await k.with({ stdin: JSON.stringify(policy) })`create -f -`;
    await expect.poll(() => asked('on-second'), soon).toBe('');
    await expect.poll(() => asked('on-first'), soon).toContain(own);
    expect(await asked('on-second')).toBe('');
    await k`delete networkpolicy beside`;
    await expect.poll(() => asked('on-second'), soon).not.toBe('');
  });

  test('through the tunnel, where the cluster wants it for all', async () => {
    for (const machine of [first!, second!]) {
      const config = join(machine.root, 'var/lib/keelson-pod-network/config.conf');
      const text = await readFile(config, 'utf8');
      expect(text).toContain('tunnel: CrossSubnet');
      await writeFile(config, text.replace('CrossSubnet', 'Always'));
      await running.get(`${machine.name} keelson-pod-network`)!.stop();
      start(machine, 'keelson-pod-network');
      await expect.poll(() => routes(machine), soon).toMatch(/dev keelson-vxlan4 [\s\S]* dev keelson-vxlan6 /);
      expect(await routes(machine)).not.toContain('eth0');
    }
    const [from, to] = [await addressesOf('on-first'), await addressesOf('on-second')];
    for (const i of [0, 1]) {
      await expect.poll(() => seen('on-first', to[i]!, 8080), soon).toBe(from[i]);
      await expect.poll(() => seen('on-second', from[i]!, 8080), soon).toBe(to[i]);
    }
    const { spec } = await k.json<Service>`get service on-second`;
    for (const [i, address] of spec!.clusterIPs!.entries())
      await expect.poll(() => seen('on-first', address, 80), soon).toBe(from[i]);
    const conflist = JSON.parse(await readFile(join(first!.root, 'etc/cni/net.d/10-keelson.conflist'), 'utf8'));
    const { mtu } = JSON.parse(await first!.run('ip', ['-j', 'link', 'show', 'eth0']))[0];
    expect(conflist.plugins[0].mtu).toBe(mtu - 70);
  });

  test('what leaves the cluster has the node’s address', async () => {
    const script = `require('http').createServer((q, s) => s.end(q.socket.remoteAddress)).listen(9000, '::', () => console.log('ready'))`;
    const server = first!.start(process.execPath, ['-e', script]);
    running.set('server', server);
    await expect.poll(() => server.output(), soon).toContain('ready');
    expect(await seen('on-second', first!.address, 9000)).toBe(second!.address);
    expect(await seen('on-second', ipv6(first!), 9000)).toBe(ipv6(second!));
  });

  test('what somebody else takes away comes back with the next change, and goes with its node', async () => {
    const before = await routes(first!);
    await running.get('second kubelet')!.stop();
    await k`delete node second`;
    await expect.poll(() => routes(first!), soon).toBe('');
    start(second!, 'kubelet');
    await expect.poll(() => routes(first!), soon).toMatch(/ dev keelson-vxlan4 /);
    expect(before).not.toBe('');
  });

  test('it is left when its process ends, and taken away when that is wanted', async () => {
    const tables = () => first!.run('nft', ['list', 'tables']);
    await running.get('first keelson-pod-network')!.stop();
    expect(await tables()).toContain('table ip keelson-pod-network');
    expect(await tables()).toContain('table inet keelson-policies');
    expect(await routes(first!)).not.toBe('');
    await first!.run(bin, ['pod-network', '--cleanup', `--cni-conf-dir=${first!.root}/etc/cni/net.d`]);
    expect(await tables()).not.toMatch(/keelson-(pod-network|policies)/);
    expect(await routes(first!)).toBe('');
  });
});

const ipv6 = ({ address }: Machine) => `fd99::${address.split('.')[3]}`;

/** As a file for `keelson init --config`. */
function configuration(machine: Machine): string {
  const { name, address, containerd, root } = machine;
  return `
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: ${address}}
nodeRegistration:
  name: ${name}
  criSocket: ${containerd.endpoint}
  taints: []
  kubeletExtraArgs: [{name: node-ip, value: "${address},${ipv6(machine)}"}]
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
encryptionAlgorithm: ECDSA-P256
networking: {podSubnet: "10.244.0.0/16,fd00:10:244::/56", serviceSubnet: "10.96.0.0/16,fd00:10:96::/112"}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
failSwapOn: false
podLogsDir: ${root}/var/log/pods
imageGCHighThresholdPercent: 100
evictionHard: { nodefs.available: 0% }
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`;
}
