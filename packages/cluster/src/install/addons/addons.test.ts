import { encodeYaml } from '@keelson/api/codec/yaml';
import type { DaemonSet, Deployment } from '@keelson/api/generated/types/apps/v1';
import type { Service } from '@keelson/api/generated/types/core/v1';
import { describe, expect, test } from 'vitest';
import { addonFolder, Layout, unitFile } from '../layout.ts';
import { runPhases } from '../phase.ts';
import { addonPhase } from '../phases/addon.ts';
import { document, testInstallation } from '../testing.ts';

const cluster = (fields: string) => document('ClusterConfiguration', fields);
const podSubnet = cluster('networking: {podSubnet: 10.244.0.0/16}');

interface Options {
  readonly systemd?: boolean;
  readonly skip?: readonly string[];
  readonly layout?: Layout;
  /** Objects that are there before. */
  readonly there?: Readonly<Record<string, object>>;
}

async function installed(configuration: string, { systemd = false, skip = [], layout, there = {} }: Options = {}) {
  const started: string[] = [];
  const services = {
    start: async (unit: string) => void started.push(unit),
    restart: async () => {},
    stop: async () => {},
  };
  const installation = testInstallation(configuration, { systemd, services, ...(layout ? { layout } : {}) });
  const { context, files, objects } = installation;
  await files.write('/etc/kubernetes/pki/ca.crt', 'CA');
  for (const [key, object] of Object.entries(there)) objects.set(key, object);
  await runPhases([addonPhase], context, new Set(skip));
  return { ...installation, started };
}

describe('in pods', () => {
  test('by default', async () => {
    const { objects } = await installed(podSubnet);
    const text = [...objects].map(([key, object]) => `# ${key}\n${encodeYaml(object)}`).join('---\n');
    await expect(text).toMatchFileSnapshot('testdata/pods.yaml');
  });

  test.each<[string, readonly string[]]>([
    ['', []],
    [cluster('dns: {disabled: true}'), []],
    [cluster('proxy: {disabled: true}'), []],
    ['', ['addon/kube-proxy']],
    ['', ['addon/coredns']],
    ['', ['addon']],
  ])('with %j without %j', async (configuration, skip) => {
    const { objects } = await installed(configuration, { skip });
    const has = (name: string) => [...objects.keys()].some((key) => key.endsWith(name));
    expect([has('kube-system/kube-dns'), has('daemonsets.apps kube-system/kube-proxy')]).toEqual([
      !configuration.includes('dns:') && !skip.includes('addon') && !skip.includes('addon/coredns'),
      !configuration.includes('proxy:') && !skip.includes('addon') && !skip.includes('addon/kube-proxy'),
    ]);
  });

  const deploymentOf = ({ objects }: Awaited<ReturnType<typeof installed>>) =>
    objects.get('deployments.apps kube-system/coredns') as Deployment;

  test('the images are those of the repository', async () => {
    const installation = await installed(cluster('imageRepository: registry.k8s.io\nkubernetesVersion: v1.36.1'));
    const [dns] = deploymentOf(installation).spec!.template.spec!.containers!;
    expect(dns!.image).toBe('registry.k8s.io/coredns/coredns:v1.14.2');
    const proxy = installation.objects.get('daemonsets.apps kube-system/kube-proxy') as DaemonSet;
    expect(proxy.spec!.template.spec!.containers![0]!.image).toBe('registry.k8s.io/kube-proxy:v1.36.1');
    const { data } = installation.objects.get('configmaps kube-system/coredns') as { data: Record<string, string> };
    await expect(data.Corefile).toMatchFileSnapshot('testdata/Corefile');
  });

  test('as many name servers as there were stay', async () => {
    const there = { 'deployments.apps kube-system/coredns': { spec: { replicas: 5 } } };
    expect(deploymentOf(await installed('', { there })).spec!.replicas).toBe(5);
  });

  test('what a KubeProxyConfiguration says stays', async () => {
    const document = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';
    const fields = 'nodePortAddresses: [10.0.0.0/8]\nclientConnection: {kubeconfig: /elsewhere, qps: 9}\n';
    const { objects } = await installed(document + fields);
    const { data } = objects.get('configmaps kube-system/kube-proxy') as { data: Record<string, string> };
    expect(data['config.conf']).toContain('nodePortAddresses:\n- 10.0.0.0/8');
    expect(data['config.conf']).toContain('kubeconfig: /var/lib/kube-proxy/kubeconfig.conf\n  qps: 9');
    await expect(installed(`${document}mode: ipvs\n`)).rejects.toThrow('mode ipvs is not there');
  });
});

describe('a PodNetworkConfiguration', () => {
  const header = 'apiVersion: podnetwork.config.keelson/v1alpha1\nkind: PodNetworkConfiguration\n';
  const kept = async (configuration: string) => {
    const { objects } = await installed(configuration);
    const { data } = objects.get('configmaps kube-system/keelson-pod-network') as { data: Record<string, string> };
    return data['config.conf'];
  };

  test('is kept for all machines, in full', async () => {
    const all = 'tunnel: Always\nvxlan:\n  id: 1\n  port: 4789\n';
    expect(await kept(`${podSubnet}\n---\n${header}tunnel: Always\nvxlan: {port: 4789}\n`)).toBe(header + all);
    expect(await kept(podSubnet)).toContain('tunnel: CrossSubnet\n');
  });

  test('is refused where it makes no sense', async () => {
    await expect(kept(`${podSubnet}\n---\n${header}tunnel: Sometimes\n`)).rejects.toThrow(
      'PodNetworkConfiguration: tunnel: "Sometimes" is none of CrossSubnet, Always, Never',
    );
  });
});

describe('as units', () => {
  test.each(['kube-proxy', 'keelson-dns', 'keelson-pod-network'] as const)('%s', async (name) => {
    const { files, started } = await installed(podSubnet, { systemd: true });
    await expect(files.written.get(unitFile(name))).toMatchFileSnapshot(`testdata/${name}.service`);
    expect(started).toContain(`${name}.service`);
    const kubeconfig = files.written.get(`${addonFolder(name)}/kubeconfig.conf`)!;
    await expect(kubeconfig).toMatchFileSnapshot(`testdata/${name}.conf`);
    expect(kubeconfig).toContain('server: https://192.0.2.2:6443');
  });

  test.each([
    ['kube-proxy', 'kube-proxy', { kind: 'Group', name: 'system:nodes' }],
    ['keelson-pod-network', 'keelson-pod-network', { kind: 'Group', name: 'system:nodes' }],
    ['coredns', 'coredns:vm', { kind: 'User', name: 'system:node:vm' }],
  ])('tokens of %s are for who speaks as one who may ask for no others', async (account, binding, who) => {
    const { objects } = await installed(podSubnet, { systemd: true });
    const rbac = (kind: string, name: string) => objects.get(`${kind}.rbac.authorization.k8s.io ${name}`);
    const asker = `keelson:${account}-tokens`;
    expect(rbac('roles', `kube-system/keelson:${account}-token`)).toMatchObject({
      rules: [{ resources: ['serviceaccounts/token'], resourceNames: [account], verbs: ['create'] }],
    });
    expect(rbac('rolebindings', `kube-system/keelson:${account}-token`)).toMatchObject({
      subjects: [{ kind: 'User', name: asker }],
    });
    expect(rbac('clusterroles', asker)).toMatchObject({
      rules: [{ resources: ['users'], resourceNames: [asker], verbs: ['impersonate'] }],
    });
    expect(rbac('clusterrolebindings', binding.replace(account, asker))).toMatchObject({ subjects: [who] });
    expect([...objects.keys()].some((key) => key.startsWith('secrets '))).toBe(false);
  });

  test('the name server is where the machine is', async () => {
    const { objects } = await installed('', { systemd: true });
    expect((objects.get('services kube-system/kube-dns') as Service).spec).toMatchObject({ clusterIP: '10.96.0.10' });
    expect((objects.get('services kube-system/kube-dns') as Service).spec!.selector).toBeUndefined();
    expect(objects.get('endpointslices.discovery.k8s.io kube-system/kube-dns-vm')).toMatchObject({
      endpoints: [{ addresses: ['192.0.2.2'] }],
      ports: [{ port: 10_053 }, { port: 10_053 }],
    });
  });

  test('no name server at a loopback address', async () => {
    const loopback = document('InitConfiguration', 'localAPIEndpoint: {advertiseAddress: 127.0.0.1}');
    const { objects, lines } = await installed(loopback, { systemd: true });
    expect([...objects.keys()].some((key) => key.includes('dns'))).toBe(false);
    expect(lines.join('\n')).toContain('[addon] no name server: pods would not reach one at 127.0.0.1');
  });

  test('below a folder name what is there', async () => {
    const layout = new Layout({ root: '/srv/x', runHere: true });
    const { files } = await installed(podSubnet, { systemd: true, layout });
    expect(files.written.get('/var/lib/kube-proxy/config.conf')).toContain(
      'kubeconfig: /srv/x/var/lib/kube-proxy/kubeconfig.conf',
    );
    expect(files.written.get(unitFile('kube-proxy'))).toContain('--config=/srv/x/var/lib/kube-proxy/config.conf');
    const network = files.written.get(unitFile('keelson-pod-network'))!;
    expect(network).toContain('--cni-conf-dir=/srv/x/etc/cni/net.d');
    expect(network).toContain('ReadWritePaths=-/srv/x/etc/cni/net.d');
  });
});

const upstream = cluster('imageRepository: registry.k8s.io\nnetworking: {podSubnet: 10.244.0.0/16}');
test.each<[boolean, string, readonly string[], boolean]>([
  [false, podSubnet, [], true],
  [false, podSubnet, ['addon/pod-network'], false],
  [false, '', [], false],
  [true, '', [], false],
  [false, upstream, [], false],
  [true, upstream, [], true],
])('a network of pods (systemd %s, %j without %j): %s', async (systemd, configuration, skip, expected) => {
  const { objects } = await installed(configuration, { systemd, skip });
  expect(objects.has('serviceaccounts kube-system/keelson-pod-network')).toBe(expected);
});

test.each<[boolean, string, string]>([
  [true, 'daemonsets.apps kube-system/kube-proxy', 'the cluster runs it in pods: delete it, or give --skip-phases'],
  [true, 'deployments.apps kube-system/coredns', 'the cluster runs it in pods'],
  [false, 'configmaps kube-system/kube-proxy', 'machines run it by units'],
  [false, 'roles.rbac.authorization.k8s.io kube-system/keelson:coredns-token', 'machines run it by units'],
])('one way alone (%s beside %s)', async (systemd, key, message) => {
  const metadata = { labels: { 'keelson/runs-as': 'unit' } };
  const problem = await installed('', { systemd, there: { [key]: { metadata } } }).catch((error) => error);
  expect(`${problem.message}: ${problem.remedy}`).toContain(message);
});
