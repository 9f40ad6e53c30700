import { decodeYamlDocument } from '@keelson/api/codec/yaml';
import { describe, expect, test } from 'vitest';
import { Layout, manifestFile, type StaticPodName } from './layout.ts';
import { runPhases } from './phase.ts';
import { controlPlanePhase } from './phases/control-plane.ts';
import { etcdPhase } from './phases/etcd.ts';
import { document, testInstallation } from './testing.ts';

const names = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

interface Manifest {
  readonly spec: {
    readonly containers: readonly [
      {
        readonly command: readonly string[];
        readonly env?: readonly object[];
        readonly image: string;
        readonly livenessProbe: { readonly httpGet: object };
        readonly startupProbe: { readonly failureThreshold: number };
        readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
      },
    ];
    readonly volumes: readonly { readonly name: string; readonly hostPath: { readonly path: string } }[];
  };
}

async function manifests(configuration: string, layout = new Layout(), key = 'key', etcdVersion = '') {
  const { context, files, lines } = testInstallation(configuration, { layout, etcdVersion });
  if (key !== '') await files.write('/etc/kubernetes/pki/ca.key', key);
  await runPhases([etcdPhase, controlPlanePhase], context);
  const texts = new Map(names.map((name) => [name, files.written.get(manifestFile(name))] as const));
  const of = (name: StaticPodName) => decodeYamlDocument(Buffer.from(texts.get(name)!)).value as Manifest;
  return { context, lines, texts, of, container: (name: StaticPodName) => of(name).spec.containers[0] };
}

const cluster = (fields: string) => document('ClusterConfiguration', fields);

describe('static pods', () => {
  test.each(names)('%s by default', async (name) => {
    const { texts } = await manifests('');
    await expect(texts.get(name)).toMatchFileSnapshot(`testdata/${name}.yaml`);
  });

  test.each([
    ['kube-apiserver', '--v=4', cluster('apiServer: {extraArgs: [{name: v, value: "4"}]}')],
    [
      'kube-apiserver',
      '--authorization-mode=RBAC',
      cluster('apiServer: {extraArgs: [{name: authorization-mode, value: RBAC}]}'),
    ],
    ['kube-apiserver', '--secure-port=7443', document('InitConfiguration', 'localAPIEndpoint: {bindPort: 7443}')],
    [
      'kube-apiserver',
      '--etcd-servers=https://[::1]:2379',
      document('InitConfiguration', 'localAPIEndpoint: {advertiseAddress: "fd00::2"}'),
    ],
    [
      'kube-apiserver',
      '--etcd-servers=http://a:1,http://b:2',
      cluster('etcd: {external: {endpoints: ["http://a:1", "http://b:2"]}}'),
    ],
    [
      'kube-apiserver',
      '--etcd-servers=https://c:3',
      cluster('etcd: {local: {extraArgs: [{name: advertise-client-urls, value: "https://c:3"}]}}'),
    ],
    [
      'kube-apiserver',
      '--service-account-issuer=https://kubernetes.default.svc.example',
      cluster('networking: {dnsDomain: example}'),
    ],
    ['kube-controller-manager', '--cluster-cidr=10.2.0.0/16', cluster('networking: {podSubnet: 10.2.0.0/16}')],
    ['kube-controller-manager', '--allocate-node-cidrs=true', cluster('networking: {podSubnet: 10.2.0.0/16}')],
    ['kube-controller-manager', '--root-ca-file=/pki/ca.crt', cluster('certificatesDir: /pki')],
    [
      'kube-scheduler',
      '--leader-elect=false',
      cluster('scheduler: {extraArgs: [{name: leader-elect, value: "false"}]}'),
    ],
    [
      'etcd',
      '--listen-client-urls=https://[::1]:2379,https://[fd00::2]:2379',
      document('InitConfiguration', 'localAPIEndpoint: {advertiseAddress: "fd00::2"}'),
    ],
    ['etcd', '--feature-gates=InitialCorruptCheck=true', ''],
    ['etcd', '--experimental-initial-corrupt-check=true', cluster('etcd: {local: {imageTag: 3.5.30-0}}')],
  ] as const)('%s has %s', async (name, flag, configuration) => {
    const { command } = (await manifests(configuration)).container(name);
    expect(command).toContain(flag);
    expect(command.filter((each) => each.startsWith(flag.slice(0, flag.indexOf('=') + 1)))).toHaveLength(1);
  });

  test('flags of etcd are those of the one that is installed, unless an image is chosen', async () => {
    const flag = '--experimental-initial-corrupt-check=true';
    const chosen = cluster('etcd: {local: {imageTag: 3.6.8-0}}');
    expect((await manifests('', new Layout(), 'key', '3.5.30')).container('etcd').command).toContain(flag);
    expect((await manifests(chosen, new Layout(), 'key', '3.5.30')).container('etcd').command).not.toContain(flag);
  });

  test('a flag of the configuration that is there twice stays twice, in its order', async () => {
    const { container } = await manifests(
      cluster('apiServer: {extraArgs: [{name: tls-sni-cert-key, value: b}, {name: tls-sni-cert-key, value: a}]}'),
    );
    expect(container('kube-apiserver').command.slice(-2)).toEqual(['--tls-sni-cert-key=b', '--tls-sni-cert-key=a']);
  });

  test.each([
    ['', 'kube-scheduler', 'localhost/keelson/kube-scheduler:v1.36.2'],
    ['kubernetesVersion: v1.36.9', 'kube-scheduler', 'localhost/keelson/kube-scheduler:v1.36.2'],
    [
      'imageRepository: example.org/k8s\nkubernetesVersion: v1.36.9',
      'kube-scheduler',
      'example.org/k8s/kube-scheduler:v1.36.9',
    ],
    ['imageRepository: registry.k8s.io', 'etcd', 'registry.k8s.io/etcd:3.6.8-0'],
    ['etcd: {local: {imageRepository: localhost/x, imageTag: 3.5.30-0}}', 'etcd', 'localhost/x/etcd:3.5.30-0'],
  ] as const)('with %j the image of %s is %s', async (fields, name, image) => {
    expect((await manifests(cluster(fields))).container(name).image).toBe(image);
  });

  test('what the configuration adds to a pod', async () => {
    const { container, of } = await manifests(
      `${cluster(`apiServer:
  extraEnvs: [{name: A, value: b}]
  extraVolumes: [{name: audit, hostPath: /var/log, mountPath: /log, pathType: Directory}, {name: ca-certs, hostPath: /trust, mountPath: /trust}]
scheduler: {extraArgs: [{name: bind-address, value: "::"}]}`)}${document(
        'InitConfiguration',
        'timeouts: {controlPlaneComponentHealthCheck: 95s}',
      )}`,
    );
    const { env, volumeMounts, startupProbe } = container('kube-apiserver');
    expect(env).toEqual([{ name: 'A', value: 'b' }]);
    expect(volumeMounts.map(({ name, mountPath }) => `${name} ${mountPath}`)).toEqual([
      'audit /log',
      'ca-certs /trust',
      'k8s-certs /etc/kubernetes/pki',
      'usr-share-ca-certificates /usr/share/ca-certificates',
    ]);
    expect(of('kube-apiserver').spec.volumes[0]).toEqual({
      hostPath: { path: '/var/log', type: 'Directory' },
      name: 'audit',
    });
    expect(startupProbe.failureThreshold).toBe(10);
    expect(container('kube-scheduler').livenessProbe.httpGet).not.toHaveProperty('host');
  });

  test('folders of an external etcd are mounted where nothing else holds them', async () => {
    const { of, texts } = await manifests(
      cluster(
        'etcd: {external: {endpoints: ["https://a:1"], caFile: /etcd/ca.crt, certFile: /etcd/own/a.crt, keyFile: /etc/kubernetes/pki/a.key}}',
      ),
    );
    expect(texts.get('etcd')).toBeUndefined();
    const paths = of('kube-apiserver').spec.volumes.map(({ hostPath }) => hostPath.path);
    expect(paths.filter((path) => path.startsWith('/etcd'))).toEqual(['/etcd']);
  });

  test('a controller manager without the key of the authority signs nothing', async () => {
    const { container } = await manifests('', new Layout(), '');
    expect(container('kube-controller-manager').command).toContain('--cluster-signing-key-file=');
  });

  test.each([
    [new Layout({ root: '/srv/x', runHere: true }), '/srv/x/var/lib/etcd'],
    [new Layout({ root: '/srv/x' }), '/var/lib/etcd'],
  ])('%j mounts %s', async (layout, path) => {
    const { of, container } = await manifests('', layout);
    expect(of('etcd').spec.volumes[1]!.hostPath.path).toBe(path);
    expect(container('etcd').volumeMounts[1]!.mountPath).toBe('/var/lib/etcd');
  });

  test('are left alone where they are as they should be', async () => {
    const { context, lines } = await manifests('');
    lines.length = 0;
    await runPhases([controlPlanePhase], context);
    expect(lines).toEqual(names.slice(1).map((name) => `[control-plane] kept ${manifestFile(name)}`));
  });
});
