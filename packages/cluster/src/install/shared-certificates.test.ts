import type { Secret } from '@keelson/api/generated/types/core/v1';
import { describe, expect, test } from 'vitest';
import { newCertificateKey } from './certificate-key.ts';
import { runPhases } from './phase.ts';
import { certsPhase } from './phases/certs.ts';
import { kubeconfigPhase } from './phases/kubeconfig.ts';
import { showJoinCommandPhase } from './phases/show-join-command.ts';
import { uploadCertsPhase } from './phases/upload-certs.ts';
import { sharedTexts } from './shared-certificates.ts';
import { document, testInstallation } from './testing.ts';

const key = newCertificateKey();
const quick = document(
  'ClusterConfiguration',
  'encryptionAlgorithm: ECDSA-P256\ncontrolPlaneEndpoint: k8s.example.org',
);

async function uploaded(configuration = quick) {
  const installation = testInstallation(configuration, { upload: { key, skipPrint: false } });
  const { context, files, objects } = installation;
  await files.write('/own/client.crt', 'client certificate');
  await files.write('/own/client.key', 'client key');
  await runPhases([certsPhase, kubeconfigPhase, uploadCertsPhase], context);
  return { ...installation, secret: objects.get('secrets kube-system/kubeadm-certs') as Secret };
}

describe('upload-certs', () => {
  test('keeps what machines of a control plane have in common, and nothing that is readable', async () => {
    const { secret, files, context } = await uploaded();
    expect(Object.keys(secret.data!).sort()).toEqual([
      'ca.crt',
      'ca.key',
      'etcd-ca.crt',
      'etcd-ca.key',
      'front-proxy-ca.crt',
      'front-proxy-ca.key',
      'sa.key',
      'sa.pub',
    ]);
    for (const value of Object.values(secret.data!))
      expect(Buffer.from(value, 'base64').toString('latin1')).not.toContain('BEGIN');
    for (const [path, text] of sharedTexts(secret, context.configuration.cluster, key))
      expect(await files.read(path)).toBe(text);
  });

  test('lasts as long as a token that is good for nothing else', async () => {
    const { secret, objects } = await uploaded();
    const [, token] = [...objects].find(([name]) => name.startsWith('secrets kube-system/bootstrap-token-'))!;
    const { data, metadata } = token as Secret;
    expect(Object.keys(data!).sort()).toEqual(['description', 'expiration', 'token-id', 'token-secret']);
    expect(Buffer.from(data!.expiration!, 'base64').toString()).toBe('2026-03-01T14:00:00Z');
    expect(secret.metadata!.ownerReferences).toMatchObject([
      { kind: 'Secret', name: metadata!.name, controller: true, blockOwnerDeletion: true },
    ]);
  });

  test('is read by who may join', async () => {
    const { objects } = await uploaded();
    expect(objects.get('roles.rbac.authorization.k8s.io kube-system/kubeadm:kubeadm-certs')).toMatchObject({
      rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['kubeadm-certs'], verbs: ['get'] }],
    });
  });

  test('with an etcd elsewhere keeps the certificate of its client', async () => {
    const etcd =
      'etcd: {external: {endpoints: ["https://e:2379"], certFile: /own/client.crt, keyFile: /own/client.key}}';
    const { secret, context } = await uploaded(
      document('ClusterConfiguration', `encryptionAlgorithm: ECDSA-P256\n${etcd}`),
    );
    expect(secret.data!['external-etcd-ca.crt']).toBe('');
    const texts = sharedTexts(secret, context.configuration.cluster, key);
    expect(texts.get('/own/client.key')).toBe('client key');
    expect([...texts.keys()].filter((path) => path.includes('etcd/ca'))).toEqual([]);
  });

  test('does nothing unless it is asked for', async () => {
    const { context, objects } = testInstallation();
    await runPhases([uploadCertsPhase], context);
    expect(objects.size).toBe(0);
  });
});

describe('what is kept is of no use', () => {
  test.each<[string, (data: Record<string, string>) => string, string]>([
    ['with another key', () => newCertificateKey(), 'cipher: message authentication failed'],
    [
      'without an entry',
      (data) => {
        delete data['sa.key'];
        return key;
      },
      'the Secret does not include the required certificate or key - name: sa.key, path: /etc/kubernetes/pki/sa.key',
    ],
  ])('%s', async (_, spoilt, message) => {
    const { secret, context } = await uploaded();
    const data = { ...secret.data! };
    const other = spoilt(data);
    expect(() => sharedTexts({ data }, context.configuration.cluster, other)).toThrow(message);
  });
});

test.each([
  [false, `--certificate-key ${key}`],
  [true, '--certificate-key KEY'],
])('show-join-command, the key withheld: %s', async (skipPrint, expected) => {
  const { context, lines } = await uploaded();
  await runPhases([showJoinCommandPhase], { ...context, systemd: true, upload: { key, skipPrint } });
  const command = lines.find((line) => line.includes('--control-plane'))!;
  expect(command).toMatch(/^ {2}keelson join k8s.example.org:6443 --token abcdef.0123456789abcdef --discovery-token/);
  expect(command.endsWith(`--control-plane ${expected} --systemd`)).toBe(true);
});
