import { X509Certificate } from 'node:crypto';
import { parseKubeconfig } from '@keelson/client';
import { describe, expect, test } from 'vitest';
import { certificates } from '../pki/catalogue.ts';
import { day } from '../pki/certificate.ts';
import { inspect, isSignedBy, keyFits } from '../pki/inspect.ts';
import { clientCertificateOf, kubeconfigs } from './kubeconfigs.ts';
import { KUBECONFIG_FILES, type KubeconfigName } from './layout.ts';
import { runPhases } from './phase.ts';
import { certsPhase } from './phases/certs.ts';
import { kubeconfigPhase } from './phases/kubeconfig.ts';
import { document, testInstallation } from './testing.ts';

const quick = (fields = '') => document('ClusterConfiguration', `encryptionAlgorithm: ECDSA-P256\n${fields}`);
const pki = (name: string) => `/etc/kubernetes/pki/${name}`;

async function installed(configuration = quick()) {
  const installation = testInstallation(configuration);
  await runPhases([certsPhase, kubeconfigPhase], installation.context);
  const text = async (path: string) => (await installation.files.read(path))!;
  return { ...installation, text };
}

/** The same files, a later day or another configuration. */
async function again(before: Awaited<ReturnType<typeof installed>>, configuration = quick(), now?: Date) {
  const { context, lines } = testInstallation(configuration, { files: before.files, ...(now ? { now } : {}) });
  await runPhases([certsPhase, kubeconfigPhase], context);
  return lines;
}

describe('certificates of an installation', () => {
  const apiserver =
    'kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local vm 10.96.0.1 192.0.2.2';
  const etcd = 'localhost vm 127.0.0.1 192.0.2.2 ::1';
  test.each([
    ['apiserver', 'ca', 'kube-apiserver', 'server', apiserver],
    ['apiserver-kubelet-client', 'ca', 'kube-apiserver-kubelet-client', 'client', ''],
    ['front-proxy-client', 'front-proxy-ca', 'front-proxy-client', 'client', ''],
    ['etcd/server', 'etcd/ca', 'vm', 'peer', etcd],
    ['etcd/peer', 'etcd/ca', 'vm', 'peer', etcd],
    ['etcd/healthcheck-client', 'etcd/ca', 'kube-etcd-healthcheck-client', 'client', ''],
    ['apiserver-etcd-client', 'etcd/ca', 'kube-apiserver-etcd-client', 'client', ''],
  ])('%s by %s is %s, a %s', async (file, authority, commonName, usage, names) => {
    const { text } = await first;
    const pair = { certificate: await text(pki(`${file}.crt`)), key: await text(pki(`${file}.key`)) };
    expect(inspect(pair.certificate)).toMatchObject({ commonName, organizations: [], usage, isAuthority: false });
    const { dnsNames, addresses } = inspect(pair.certificate);
    expect([...dnsNames, ...addresses].toSorted()).toEqual(names.split(' ').filter(Boolean).toSorted());
    expect(isSignedBy(pair.certificate, await text(pki(`${authority}.crt`)))).toBe(true);
    expect(keyFits(pair)).toBe(true);
  });
  const first = installed();

  test.each([
    ['admin', 'kubernetes-admin', ['kubeadm:cluster-admins']],
    ['super-admin', 'kubernetes-super-admin', ['system:masters']],
    ['kubelet', 'system:node:vm', ['system:nodes']],
    ['controller-manager', 'system:kube-controller-manager', []],
    ['scheduler', 'system:kube-scheduler', []],
  ] as const)('%s.conf is %s of %j', async (name, commonName, organizations) => {
    const { text } = await first;
    const path = KUBECONFIG_FILES[name];
    const config = parseKubeconfig(await text(path), '/etc/kubernetes');
    expect(config.server).toBe('https://192.0.2.2:6443');
    expect(config.tls.ca).toEqual({ text: await text(pki('ca.crt')) });
    const { certificate } = clientCertificateOf(await text(path), path)!;
    expect(inspect(certificate)).toMatchObject({ commonName, organizations, usage: 'client' });
  });

  test('are those of the configuration', async () => {
    const { text } = await installed(
      quick(`controlPlaneEndpoint: "example.org:7443"
apiServer: {certSANs: ["*.example.org", 203.0.113.9]}
etcd: {local: {serverCertSANs: [etcd.example.org]}}
certificateValidityPeriod: 48h
caCertificateValidityPeriod: 480h`),
    );
    expect(inspect(await text(pki('apiserver.crt')))).toMatchObject({
      dnsNames: expect.arrayContaining(['example.org', '*.example.org']),
      addresses: expect.arrayContaining(['203.0.113.9']),
      notAfter: new Date('2026-03-03T12:00:00Z'),
    });
    expect(inspect(await text(pki('ca.crt'))).notAfter).toEqual(new Date('2026-03-21T12:00:00Z'));
    expect(inspect(await text(pki('etcd/server.crt'))).dnsNames).toContain('etcd.example.org');
    const servers = await Promise.all(
      (Object.keys(kubeconfigs) as KubeconfigName[]).map(async (name) => {
        const { server } = parseKubeconfig(await text(KUBECONFIG_FILES[name]), '/');
        return `${name} ${server}`;
      }),
    );
    expect(servers).toEqual([
      'admin https://example.org:7443',
      'super-admin https://example.org:7443',
      'kubelet https://example.org:7443',
      'controller-manager https://192.0.2.2:6443',
      'scheduler https://192.0.2.2:6443',
    ]);
  });

  test.each(['RSA-2048', 'ECDSA-P384'])('of %s', async (algorithm) => {
    const { text } = await installed(document('ClusterConfiguration', `encryptionAlgorithm: ${algorithm}`));
    const { publicKey } = new X509Certificate(await text(pki('apiserver.crt')));
    expect(publicKey.asymmetricKeyType).toBe(algorithm.split('-')[0]!.toLowerCase().replace('ecdsa', 'ec'));
    expect(await text(pki('sa.key'))).toMatch(/^-----BEGIN (RSA|EC) PRIVATE KEY-----/);
  });

  test('are kept', async () => {
    const before = await installed();
    const written = new Map(before.files.written);
    const lines = await again(before);
    expect(lines.filter((line) => !line.includes('kept'))).toEqual([]);
    expect(new Map(before.files.written)).toEqual(written);
  });

  test('that do not do any more are kept and told of', async () => {
    const before = await installed();
    const lines = await again(
      before,
      quick('apiServer: {certSANs: [new.example.org]}'),
      new Date('2027-04-01T00:00:00Z'),
    );
    expect(lines.join('\n')).toMatch(/WARNING: apiserver ended at 2027-03-01T12:00:00.000Z/);
    expect(lines.join('\n')).toMatch(/WARNING: the existing apiserver is not signed for new.example.org/);
  });

  test('are none for an external etcd', async () => {
    const { files } = await installed(quick('etcd: {external: {endpoints: ["https://a:1"]}}'));
    expect([...files.written.keys()].filter((path) => path.includes('etcd'))).toEqual([]);
  });

  test('of an authority that is kept elsewhere', async () => {
    const before = await installed();
    await before.files.remove(pki('ca.key'));
    expect(await again(before)).toContain('[certs] kept /etc/kubernetes/pki/ca.crt; its key is elsewhere');
    await before.files.remove(pki('apiserver.crt'));
    await before.files.remove(pki('apiserver.key'));
    await expect(again(before)).rejects.toThrow(/apiserver.crt is missing, and .*ca.key, which would sign it/);
  });

  test.each([
    [
      'half a pair',
      async ({ files }) => files.remove(pki('apiserver.key')),
      /apiserver.crt is there without .*apiserver.key/,
    ],
    [
      'a key without its authority',
      async ({ files }) => files.remove(pki('ca.crt')),
      /ca.key is there without .*ca.crt/,
    ],
    [
      'no certificate',
      async ({ files }) => files.write(pki('apiserver.crt'), 'nonsense'),
      /apiserver.crt is no certificate/,
    ],
    [
      "another's key",
      async ({ files, text }) => files.write(pki('apiserver.key'), await text(pki('ca.key'))),
      /apiserver.crt and its key do not belong together/,
    ],
    [
      "another authority's",
      async ({ files, text }) => files.write(pki('ca.crt'), await text(pki('etcd/ca.crt'))),
      /ca.crt and its key do not belong together/,
    ],
    [
      'a leaf as authority',
      async ({ files, text }) => files.write(pki('ca.crt'), await text(pki('apiserver.crt'))),
      /is no certificate of an authority/,
    ],
    [
      'a kubeconfig of nothing',
      async ({ files }) => files.write(KUBECONFIG_FILES.admin, 'kind: Config'),
      /admin.conf is of no use/,
    ],
    [
      'a foreign kubeconfig',
      async ({ files }) => {
        const other = await installed();
        await files.write(KUBECONFIG_FILES.admin, await other.text(KUBECONFIG_FILES.admin));
      },
      /admin.conf is there, but does not trust/,
    ],
  ] satisfies [string, (installation: Awaited<ReturnType<typeof installed>>) => Promise<void>, RegExp][])(
    'refuse %s',
    async (_, spoil, message) => {
      const before = await installed();
      await spoil(before);
      await expect(again(before)).rejects.toThrow(message);
    },
  );

  test('end with their authority at the latest', async () => {
    const { text } = await installed(quick('caCertificateValidityPeriod: 240h'));
    for (const { file } of certificates)
      expect(inspect(await text(pki(`${file}.crt`))).notAfter.getTime()).toBeLessThanOrEqual(
        new Date('2026-03-01T12:00:00Z').getTime() + 10 * day,
      );
  });
});
