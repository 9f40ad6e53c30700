import type { ConfigMap, Node, Secret } from '@keelson/api/generated/types/core/v1';
import { describe, expect, test } from 'vitest';
import { authorityHash } from './cluster-info.ts';
import { encodeCluster } from './configuration/cluster.ts';
import { configurationOf, readDocuments } from './configuration/documents.ts';
import { type Phase, runPhases } from './phase.ts';
import { bootstrapTokenPhase } from './phases/bootstrap-token.ts';
import { certsPhase } from './phases/certs.ts';
import { kubeconfigPhase } from './phases/kubeconfig.ts';
import { kubeletFinalizePhase } from './phases/kubelet-finalize.ts';
import { markControlPlanePhase } from './phases/mark-control-plane.ts';
import { preflightPhase } from './phases/preflight.ts';
import { showJoinCommandPhase } from './phases/show-join-command.ts';
import { uploadConfigPhase } from './phases/upload-config.ts';
import { document, machine, testInstallation } from './testing.ts';

const quick = document('ClusterConfiguration', 'encryptionAlgorithm: ECDSA-P256');
const init = (fields: string) => quick + document('InitConfiguration', fields);

async function after(phase: Phase, configuration = quick, overrides: Parameters<typeof testInstallation>[1] = {}) {
  const installation = testInstallation(configuration, overrides);
  await runPhases([certsPhase, kubeconfigPhase], installation.context);
  await runPhases([phase], installation.context);
  return installation;
}

describe('bootstrap-token', () => {
  const secretOf = async (tokens: string) => {
    const { objects } = await after(bootstrapTokenPhase, init(`bootstrapTokens: ${tokens}`));
    const [, secret] = [...objects].find(([key]) => key.startsWith('secrets '))!;
    const { data, type, metadata } = secret as Secret;
    const fields = Object.entries(data!).map(([name, value]) => [name, Buffer.from(value, 'base64').toString()]);
    return { name: metadata!.name, type, ...Object.fromEntries(fields) };
  };
  const common = {
    name: 'bootstrap-token-abcdef',
    type: 'bootstrap.kubernetes.io/token',
    'token-id': 'abcdef',
    'token-secret': '0123456789abcdef',
    'usage-bootstrap-signing': 'true',
    'usage-bootstrap-authentication': 'true',
    'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
  };
  test.each([
    ['[]', { ...common, description: expect.any(String), expiration: '2026-03-02T12:00:00Z' }],
    ['[{ttl: 1h}]', { ...common, expiration: '2026-03-01T13:00:00Z' }],
    ['[{ttl: 0s}]', common],
    ['[{expires: "2030-01-01T00:00:00Z"}]', { ...common, expiration: '2030-01-01T00:00:00Z' }],
    ['[{ttl: 0s, groups: ["system:bootstrappers:a"]}]', { ...common, 'auth-extra-groups': 'system:bootstrappers:a' }],
  ])('%s', async (tokens, expected) => {
    expect(await secretOf(tokens)).toEqual(expected);
  });

  test('lets machines join', async () => {
    const { objects } = await after(bootstrapTokenPhase);
    expect([...objects.keys()].filter((key) => !key.startsWith('secrets '))).toEqual([
      'clusterroles.rbac.authorization.k8s.io kubeadm:get-nodes',
      'clusterrolebindings.rbac.authorization.k8s.io kubeadm:get-nodes',
      'clusterrolebindings.rbac.authorization.k8s.io kubeadm:kubelet-bootstrap',
      'clusterrolebindings.rbac.authorization.k8s.io kubeadm:node-autoapprove-bootstrap',
      'clusterrolebindings.rbac.authorization.k8s.io kubeadm:node-autoapprove-certificate-rotation',
      'clusterrolebindings.rbac.authorization.k8s.io kubeadm:apiserver-kubelet-client',
      'configmaps kube-public/cluster-info',
      'roles.rbac.authorization.k8s.io kube-public/kubeadm:bootstrap-signer-clusterinfo',
      'rolebindings.rbac.authorization.k8s.io kube-public/kubeadm:bootstrap-signer-clusterinfo',
    ]);
  });

  test('shows no token where it is not to', async () => {
    const { lines } = await after(bootstrapTokenPhase, quick, { skipTokenPrint: true });
    expect(lines.join('\n')).not.toContain('0123456789abcdef');
  });
});

test('upload-config keeps what was told, so that it can be read back', async () => {
  const { objects, context } = await after(uploadConfigPhase);
  const { data } = objects.get('configmaps kube-system/kubeadm-config') as ConfigMap;
  const back = configurationOf(readDocuments(data!.ClusterConfiguration!), machine);
  expect(encodeCluster(back.cluster)).toEqual(encodeCluster(context.configuration.cluster));
  const kubelet = objects.get('configmaps kube-system/kubelet-config') as ConfigMap;
  expect(configurationOf(readDocuments(kubelet.data!.kubelet!), machine).kubelet).toEqual(
    context.configuration.kubelet,
  );
});

describe('mark-control-plane', () => {
  test.each([
    ['', [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }]],
    ['nodeRegistration: {taints: []}', []],
    [
      'nodeRegistration: {taints: [{key: a, value: b, effect: NoExecute}]}',
      [{ key: 'a', value: 'b', effect: 'NoExecute' }],
    ],
  ])('with %j', async (fields, taints) => {
    const { objects } = await after(markControlPlanePhase, init(fields));
    const node = objects.get('nodes vm') as Node;
    expect(node.metadata!.labels).toEqual({
      'node-role.kubernetes.io/control-plane': '',
      'node.kubernetes.io/exclude-from-external-load-balancers': '',
    });
    expect(node.spec!.taints).toEqual(taints);
  });
});

test('show-join-command names the authority by its key', async () => {
  const { files, lines } = await after(showJoinCommandPhase);
  const hash = authorityHash((await files.read('/etc/kubernetes/pki/ca.crt'))!);
  expect(hash).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(lines.at(-1)).toBe(
    `  keelson join 192.0.2.2:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash ${hash}`,
  );
});

test('kubelet-finalize has kubelet.conf name the certificate that is renewed', async () => {
  const { files, context } = await after(kubeletFinalizePhase);
  const before = await files.read('/etc/kubernetes/kubelet.conf');
  await files.write('/var/lib/kubelet/pki/kubelet-client-current.pem', 'pem');
  await runPhases([kubeletFinalizePhase], context);
  const text = await files.read('/etc/kubernetes/kubelet.conf');
  expect(text).not.toBe(before);
  expect(text).toContain('client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem');
  expect(text).not.toContain('client-key-data');
});

describe('preflight', () => {
  const check = async (fields: string, overrides: Parameters<typeof testInstallation>[1], path?: string) => {
    const installation = testInstallation(quick + document('InitConfiguration', fields), overrides);
    if (path) await installation.files.write(path, '');
    await runPhases([preflightPhase], installation.context);
    return installation.lines;
  };
  const free = 'localAPIEndpoint: {bindPort: 1}\nnodeRegistration: {ignorePreflightErrors: [Port, IsPrivilegedUser]}';
  test.each([
    [{}, '/var/lib/etcd/member', /DirAvailable--var-lib-etcd: \/var\/lib\/etcd is not empty/],
    [{ systemd: true }, undefined, /FileExisting-etcd: there is no program etcd/],
  ])('%j with %s', async (overrides, path, message) => {
    await expect(check(free, overrides, path)).rejects.toThrow(message);
    const all = 'nodeRegistration: {ignorePreflightErrors: [all]}';
    expect((await check(all, overrides, path)).join('\n')).toMatch(message);
  });

  test('a machine among the addresses of services', async () => {
    const address = 'localAPIEndpoint: {advertiseAddress: 10.99.0.10, bindPort: 1}\n';
    await expect(check(address, {})).rejects.toThrow(/ServiceSubnet: 10\.99\.0\.10, .* 10\.96\.0\.0\/12/);
  });
});
