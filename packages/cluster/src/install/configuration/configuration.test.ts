import { encodeYaml } from '@keelson/api/codec/yaml';
import { describe, expect, test } from 'vitest';
import { document, machine } from '../testing.ts';
import { encodeCluster } from './cluster.ts';
import { configurationOf, readDocuments } from './documents.ts';
import { controlPlaneUrl, splitHostPort } from './endpoints.ts';

const read = (text: string) => configurationOf(readDocuments(text), machine);
const cluster = (fields: string) => document('ClusterConfiguration', fields);
const init = (fields: string) => document('InitConfiguration', fields);

describe('configuration', () => {
  test('without a file is all defaults', () => {
    const { init, cluster, kubelet } = read('');
    expect(init.localApiEndpoint).toEqual({ advertiseAddress: '192.0.2.2', bindPort: 6443 });
    expect(init.nodeRegistration).toMatchObject({
      name: 'vm',
      taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }],
    });
    expect(cluster).toMatchObject({
      etcd: { local: { dataDir: '/var/lib/etcd' } },
      networking: { serviceSubnet: '10.96.0.0/12', podSubnet: '', dnsDomain: 'cluster.local' },
      certificatesDir: '/etc/kubernetes/pki',
      encryptionAlgorithm: 'RSA-2048',
      certificateValidityMs: 365 * 86_400_000,
      caCertificateValidityMs: 3650 * 86_400_000,
    });
    expect(kubelet).toMatchObject({
      staticPodPath: '/etc/kubernetes/manifests',
      clusterDNS: ['10.96.0.10'],
      authentication: { anonymous: { enabled: false }, x509: { clientCAFile: '/etc/kubernetes/pki/ca.crt' } },
    });
  });

  test('is read from several documents, those of others left alone', () => {
    const given = read(
      `${init('nodeRegistration: {name: NODE-1, taints: []}\nskipPhases: [addon]')}${cluster(
        'networking: {serviceSubnet: "10.1.0.0/16,fd00::/108"}\ncertificateValidityPeriod: 24h',
      )}apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 7\n---\napiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: nftables\n`,
    );
    expect(given.init.nodeRegistration).toMatchObject({ name: 'node-1', taints: [] });
    expect(given.init.skipPhases).toEqual(['addon']);
    expect(given.cluster.certificateValidityMs).toBe(86_400_000);
    expect(given.kubelet).toMatchObject({ maxPods: 7, clusterDNS: ['10.1.0.10'] });
  });

  test.each([
    [cluster('nonsense: 1'), 'ClusterConfiguration: unknown field "nonsense"'],
    [cluster('apiServer: {certSANS: []}'), 'ClusterConfiguration: unknown field "apiServer.certSANS"'],
    [cluster('apiServer: {extraArgs: {v: "1"}}'), 'apiServer.extraArgs must be a list'],
    [cluster('etcd: {local: {}, external: {}}'), 'etcd.local and etcd.external exclude each other'],
    [cluster('etcd: {external: {}}'), 'etcd.external.endpoints: at least one is needed'],
    [cluster('networking: {serviceSubnet: 10.0.0.0}'), 'networking.serviceSubnet: "10.0.0.0" is no CIDR'],
    [cluster('networking: {podSubnet: "10.0.0.0/8,10.1.0.0/16"}'), 'must be one of IPv4 and one of IPv6'],
    [cluster('kubernetesVersion: v1.35.0'), 'kubernetesVersion v1.35.0 is none that this release serves'],
    [cluster('encryptionAlgorithm: RSA-1024'), 'choose one of ECDSA-P256'],
    [cluster('controlPlaneEndpoint: "a:b:c"'), 'is not HOST or HOST:PORT'],
    [cluster('scheduler: {extraArgs: [{name: --v, value: "2"}]}'), "no flag's name without its dashes"],
    [cluster('featureGates: {A: true}'), 'featureGates: "A" is none of NodeLocalCRISocket'],
    [cluster('featureGates: {RootlessControlPlane: true}'), 'RootlessControlPlane cannot be true here'],
    [cluster('a: 1\na: 2'), 'key "a" already set in map'],
    [`${cluster('')}${cluster('')}`, 'there is more than one ClusterConfiguration'],
    [init('localAPIEndpoint: {advertiseAddress: example.org}'), '"example.org" is no IP address'],
    [init('localAPIEndpoint: {advertiseAddress: 0.0.0.0}'), 'is no address that others reach this machine by'],
    [init('bootstrapTokens: [{token: secret}]'), 'the bootstrap token "secret…" was not of the form'],
    [init('bootstrapTokens: [{usages: [all]}]'), 'bootstrapTokens.usages: "all" is none of signing, authentication'],
    [init('bootstrapTokens: [{groups: [admins]}]'), 'bootstrapTokens.groups: bootstrap group "admins" is invalid'],
    [init('nodeRegistration: {name: a_b}'), 'nodeRegistration.name: "a_b"'],
    ['apiVersion: kubeadm.k8s.io/v1beta3\nkind: InitConfiguration', 'write kubeadm.k8s.io/v1beta4'],
    ['apiVersion: v1\nkind: Pod', 'kind "Pod" of "v1" is unknown here'],
  ])('%j is refused', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  test('of a cluster is read back as it was written', () => {
    const text = cluster(
      `controlPlaneEndpoint: example.org:7443
apiServer: {certSANs: [a.example.org], extraArgs: [{name: v, value: "4"}], extraEnvs: [{name: A, value: b}]}
scheduler: {extraVolumes: [{name: x, hostPath: /x, mountPath: /y, readOnly: true, pathType: File}]}
etcd: {local: {imageTag: 3.5.30-0, peerCertSANs: [p]}}
featureGates: {NodeLocalCRISocket: true}
encryptionAlgorithm: ECDSA-P384`,
    );
    const before = read(text).cluster;
    expect(read(encodeYaml(encodeCluster(before)).toString()).cluster).toEqual(before);
  });
});

test.each([
  ['example.org', { host: 'example.org' }],
  ['example.org:7443', { host: 'example.org', port: 7443 }],
  ['[fd00::1]:7443', { host: 'fd00::1', port: 7443 }],
  ['fd00::1', { host: 'fd00::1' }],
  ['example.org:99999', undefined],
  ['', undefined],
])('the endpoint %j', (text, expected) => {
  expect(splitHostPort(text)).toEqual(expected);
});

test.each([
  ['', 'https://192.0.2.2:6443'],
  ['example.org', 'https://example.org:6443'],
  ['example.org:7443', 'https://example.org:7443'],
])('the control plane of %j is at %s', (endpoint, url) => {
  const { init, cluster: decoded } = read(cluster(`controlPlaneEndpoint: "${endpoint}"`));
  expect(controlPlaneUrl(decoded, init.localApiEndpoint)).toBe(url);
});
