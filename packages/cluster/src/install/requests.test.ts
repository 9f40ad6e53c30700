import 'reflect-metadata';
import { createPublicKey } from 'node:crypto';
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509';
import { expect, test } from 'vitest';
import { generateRequests } from './requests.ts';
import { document, testInstallation } from './testing.ts';

const quick = 'encryptionAlgorithm: ECDSA-P256\n';

async function generated(fields = '') {
  const installation = testInstallation(document('ClusterConfiguration', quick + fields));
  await generateRequests(installation.context, '/etc/kubernetes');
  const request = async (path: string) => new Pkcs10CertificateRequest((await installation.files.read(path))!);
  return { ...installation, request };
}

test('a request says what the certificate would, and is of its key', async () => {
  const { files, request } = await generated();
  const apiserver = await request('/etc/kubernetes/pki/apiserver.csr');
  expect(apiserver.subject).toBe('CN=kube-apiserver');
  const [extension] = apiserver.extensions.filter((each) => each instanceof SubjectAlternativeNameExtension);
  const names = extension!.names.items.map(({ value }) => value);
  expect(names).toEqual(expect.arrayContaining(['kubernetes.default.svc', '10.96.0.1', '192.0.2.2']));
  expect(await apiserver.verify()).toBe(true);
  const key = createPublicKey((await files.read('/etc/kubernetes/pki/apiserver.key'))!);
  expect(Buffer.from(apiserver.publicKey.rawData)).toEqual(key.export({ type: 'spki', format: 'der' }));
});

test('a kubeconfig has its key, and lacks its certificate', async () => {
  const { files, request } = await generated();
  expect((await request('/etc/kubernetes/admin.conf.csr')).subject).toBe(
    'O=kubeadm:cluster-admins, CN=kubernetes-admin',
  );
  const text = await files.read('/etc/kubernetes/admin.conf');
  expect(text).toContain('client-key-data:');
  expect(text).not.toContain('client-certificate-data');
});

test('none for an etcd elsewhere', async () => {
  const { files } = await generated('etcd: {external: {endpoints: ["https://e:2379"]}}');
  expect([...files.written.keys()].filter((path) => path.includes('etcd'))).toEqual([]);
});

test('nothing is written where something is there', async () => {
  const { context, files } = testInstallation(document('ClusterConfiguration', quick));
  await files.write('/etc/kubernetes/scheduler.conf', 'mine');
  await expect(generateRequests(context, '/etc/kubernetes')).rejects.toThrow(
    '/etc/kubernetes/scheduler.conf already exists',
  );
  expect([...files.written.keys()]).toEqual(['/etc/kubernetes/scheduler.conf']);
});
