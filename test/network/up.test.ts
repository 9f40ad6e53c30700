/** `keelson up` on real containers, in a network of its own: pods find services by name and reach them, without anything else. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Node, Pod, Service } from '@keelson/api/generated/types/core/v1';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { BUSYBOX, type Containerd, noContainers, startContainerd } from '../support/containerd.ts';
import { type Kubectl, kubectl } from '../support/kubectl.ts';
import { freePort, type Program, startProgram, untilReady } from '../support/process.ts';
import { missing } from '../support/tools.ts';
import { Network, noBridges, noNetworks } from './net.ts';

const reason = noContainers() ?? missing('kubectl') ?? noBridges() ?? (await noNetworks());
const bin = join(import.meta.dirname, '../../bin/keelson');
const soon = { timeout: 30_000, interval: 200 };

describe.skipIf(reason).each([
  ['of the machine', []],
  ['of the cluster', ['--pod-network-cidr=10.245.0.0/16']],
])(
  `services of keelson up, pods in a network %s${reason === undefined ? '' : ` (${reason})`}`,
  { timeout: 90_000 },
  (_, flags) => {
    let directory: string;
    let [node, client]: Network[] = [];
    let containerd: Containerd;
    let cluster: Program;
    let k: Kubectl;
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'kn-'));
      [node, client] = [new Network('n'), new Network('c')];
      node.forward();
      node.join(client, 1);
      node.leadTo('10.7.1.2');
      node.set('bridge/bridge-nf-call-iptables', 1);
      const networks = join(directory, 'networks');
      containerd = await startContainerd(directory, { within: node.within, ...(flags.length > 0 ? { networks } : {}) });
      await up();
      k = kubectl(join(directory, 'data/kubeconfig'), node.within);
      await vi.waitFor(async () => expect(await k`get sa default -o name`).not.toBe(''), soon);
    }, 90_000);
    afterAll(async () => {
      if (k) await k.result({})`delete pods --all --force --grace-period=0 --timeout=20s`;
      await cluster?.stop();
      await containerd?.stop();
      await Promise.all([node?.stop(), client?.stop()]);
      await rm(directory, { recursive: true, force: true });
    }, 60_000);

    beforeEach(({ onTestFailed }) => onTestFailed(() => console.error(cluster.output().slice(-2000))));

    async function up(): Promise<void> {
      const [program, ...within] = node!.within;
      const args = [
        'up',
        `--data-dir=${join(directory, 'data')}`,
        '--bind-address=0.0.0.0',
        `--secure-port=${await freePort()}`,
        `--container-runtime-endpoint=${containerd.endpoint}`,
        `--cni-conf-dir=${join(directory, 'networks')}`,
        ...flags,
      ];
      cluster = startProgram(program!, [...within, bin, ...args]);
      await untilReady(cluster, async () => cluster.output().includes('is ready'));
    }

    async function pod(name: string, script: string): Promise<void> {
      const container = { name: 'main', image: BUSYBOX, imagePullPolicy: 'Never', command: ['sh', '-c', script] };
      const spec = { terminationGracePeriodSeconds: 1, containers: [container] };
      const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } }, spec };
      await k.with({ stdin: JSON.stringify(object) })`create -f -`;
      await k`wait --for=condition=Ready pod/${name} --timeout=30s`;
    }

    const tables = () => node!.run('nft', 'list', 'tables');

    test('the kubelet has the port where tools look for it', async () => {
      const { items } = await k.json<{ readonly items: readonly Node[] }>`get nodes`;
      expect(items.map(({ status }) => status?.daemonEndpoints?.kubeletEndpoint?.Port)).toEqual([10_250]);
    });

    test('a pod finds services by their names, and reaches them', async () => {
      await pod('web', 'mkdir /www; echo hello > /www/index.html; httpd -f -p 8080 -h /www');
      await pod('asks', 'sleep 1000');
      const { podIP } = (await k.json<Pod>`get pod web`).status;
      expect(podIP!.startsWith('10.245.0.')).toBe(flags.length > 0);
      await k`expose pod web --port=80 --target-port=8080 --type=NodePort`;
      const ask = (from: string, url: string) => k`exec ${from} -- wget -q -O - ${url}`;
      await vi.waitFor(async () => expect(await ask('asks', 'http://web')).toBe('hello\n'), soon);
      expect(await ask('asks', 'http://web.default.svc.cluster.local')).toBe('hello\n');
      expect(await ask('web', 'http://web.default')).toBe('hello\n');
      expect(await k`exec asks -- cat /etc/resolv.conf`).toContain('nameserver 10.96.0.10');
      // The API server, by its name.
      expect(await k`exec asks -- nc -w 1 kubernetes.default 443 -e true`).toBe('');
    });

    test.skipIf(flags.length === 0)(
      'a pod that a policy isolates is so from its first packet, others are not',
      async () => {
        const spec = { podSelector: { matchLabels: { app: 'early' } }, policyTypes: ['Egress'] };
        const metadata = { name: 'early' };
        const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec };
        await k.with({ stdin: JSON.stringify(policy) })`create -f -`;
        await vi.waitFor(
          () => expect(node!.run('nft', 'list', 'table', 'inet', 'keelson-policies')).toContain('10.245.0.0/24'),
          soon,
        );
        const { podIP } = (await k.json<Pod>`get pod web`).status;
        const ask = `timeout 1 wget -q -O /dev/null http://${podIP}:8080 && echo reached`;
        await pod('early', `exec 2>/dev/null; for i in 1 2 3 4 5; do ${ask}; done; echo tried; sleep 1000`);
        await pod('other', `exec 2>/dev/null; until ${ask}; do true; done; sleep 1000`);
        await vi.waitFor(async () => expect(await k`logs other`).toContain('reached'), soon);
        await vi.waitFor(async () => expect(await k`logs early`).toBe('tried\n'), soon);
        await k`delete networkpolicy early`;
      },
    );

    test('the proxy tells who asks how it is, and those on its machine how it works', () => {
      const ask = (from: Network, url: string) => {
        const script = `fetch('${url}').then(async (r) => r.status + await r.text(), () => 'none').then(console.log)`;
        return from.run(process.execPath, '-e', script).trim();
      };
      expect(ask(node!, 'http://127.0.0.1:10256/healthz')).toMatch(/^200\{/);
      expect(ask(client!, 'http://10.7.1.1:10256/healthz')).toMatch(/^200\{/);
      expect(ask(node!, 'http://127.0.0.1:10249/proxyMode')).toBe('200nftables');
      expect(ask(node!, 'http://127.0.0.1:10249/metrics')).toContain('kubeproxy_sync_proxy_rules_duration_seconds');
      expect(ask(client!, 'http://10.7.1.1:10249/proxyMode')).toBe('none');
    });

    test.skipIf(flags.length === 0)('the network of pods tells how it is, and how it works', () => {
      const ask = (url: string) =>
        node!.run(process.execPath, '-e', `fetch('${url}').then((r) => r.text()).then(console.log, console.log)`);
      expect(JSON.parse(ask('http://127.0.0.1:10246/readyz'))).toMatchObject({ healthy: true, waiting: [] });
      expect(ask('http://127.0.0.1:10247/metrics')).toMatch(
        /^keelson_pod_network_policy_pods{isolated="false"} [1-9]/m,
      );
    });

    test('another machine reaches a port of the node', async () => {
      const { spec } = await k.json<Service>`get service web`;
      const ask = `fetch('http://10.7.1.1:${spec!.ports![0]!.nodePort!}').then((r) => r.text()).then(console.log)`;
      await vi.waitFor(() => expect(client!.run(process.execPath, '-e', ask)).toBe('hello\n\n'), soon);
    });

    test('what is deleted is reached no more', async () => {
      await k`delete service web`;
      await vi.waitFor(
        async () =>
          expect(await k.result({})`exec asks -- nslookup web.default.svc.cluster.local`).not.toMatchObject({
            code: 0,
          }),
        soon,
      );
      await vi.waitFor(
        () => expect(node!.run('nft', 'list', 'table', 'ip', 'kube-proxy')).not.toContain('/web/'),
        soon,
      );
    });

    test('the rules go with the cluster', async () => {
      expect(tables()).toContain('table ip kube-proxy\n');
      await cluster.stop();
      expect(tables()).not.toContain('kube-proxy');
      await up();
      await vi.waitFor(() => expect(tables()).toContain('table ip kube-proxy\n'), soon);
    });
  },
);
