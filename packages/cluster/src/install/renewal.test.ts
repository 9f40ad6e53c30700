import { parseKubeconfig, systemWorld } from '@keelson/client';
import { describe, expect, test } from 'vitest';
import { inspect, isSignedBy, keyFits } from '../pki/inspect.ts';
import { clientCertificateOf } from './kubeconfigs.ts';
import { runPhases } from './phase.ts';
import { certsPhase } from './phases/certs.ts';
import { kubeconfigPhase } from './phases/kubeconfig.ts';
import { expirations, renew, renewableNames } from './renewal.ts';
import { installedFiles, resetPhases } from './reset.ts';
import { document, testInstallation } from './testing.ts';

const configuration = (fields = '') => document('ClusterConfiguration', `encryptionAlgorithm: ECDSA-P256\n${fields}`);
const pki = (name: string) => `/etc/kubernetes/pki/${name}`;

async function installed(fields = '') {
  const installation = testInstallation(configuration(fields));
  await runPhases([certsPhase, kubeconfigPhase], installation.context);
  const later = testInstallation(configuration(fields), {
    files: installation.files,
    now: new Date('2026-09-01T00:00:00Z'),
  });
  return { files: installation.files, context: later.context, lines: later.lines };
}

describe('renewal', () => {
  test('keeps what a certificate says, and gives it a new key and a new end', async () => {
    const { files, context } = await installed('apiServer: {certSANs: [example.org]}');
    const before = inspect((await files.read(pki('apiserver.crt')))!);
    const key = await files.read(pki('apiserver.key'));
    // What it says now counts, not what the configuration would have it say.
    await renew({ ...context, configuration: testInstallation(configuration()).context.configuration }, ['apiserver']);
    const pair = {
      certificate: (await files.read(pki('apiserver.crt')))!,
      key: (await files.read(pki('apiserver.key')))!,
    };
    const { notBefore, notAfter, ...rest } = inspect(pair.certificate);
    expect(rest).toEqual({ ...before, notBefore: undefined, notAfter: undefined });
    expect(notAfter).toEqual(new Date('2027-09-01T00:00:00Z'));
    expect(notBefore.getTime()).toBeGreaterThan(before.notBefore.getTime());
    expect(pair.key).not.toBe(key);
    expect(keyFits(pair)).toBe(true);
    expect(isSignedBy(pair.certificate, (await files.read(pki('ca.crt')))!)).toBe(true);
  });

  test('of a kubeconfig leaves all else in it', async () => {
    const { files, context } = await installed();
    const path = '/etc/kubernetes/admin.conf';
    const before = (await files.read(path))!;
    await renew(context, ['admin.conf']);
    const after = (await files.read(path))!;
    expect(inspect(clientCertificateOf(after, path)!.certificate)).toMatchObject({
      commonName: 'kubernetes-admin',
      organizations: ['kubeadm:cluster-admins'],
      notAfter: new Date('2027-09-01T00:00:00Z'),
    });
    const config = (text: string) => ({ ...parseKubeconfig(text, '/'), tls: undefined });
    expect(config(after)).toEqual(config(before));
  });

  test('of all passes over what is not there, of one does not', async () => {
    const { files, context, lines } = await installed();
    await files.remove(pki('etcd/server.crt'));
    await renew(context, renewableNames);
    expect(lines).toHaveLength(renewableNames.length - 1);
    await expect(renew(context, ['etcd-server'])).rejects.toThrow('etcd-server is not there');
  });

  test('is not possible without the key of the authority', async () => {
    const { files, context } = await installed();
    await files.remove(pki('front-proxy-ca.key'));
    await expect(renew(context, ['front-proxy-client'])).rejects.toThrow(/whose key is kept elsewhere/);
    expect(await expirations(context)).toMatchObject({
      certificates: expect.arrayContaining([expect.objectContaining({ name: 'front-proxy-client', isExternal: true })]),
    });
  });
});

test('what ends when', async () => {
  const { files, context } = await installed('certificateValidityPeriod: 240h');
  await files.remove('/etc/kubernetes/scheduler.conf');
  const { certificates, authorities } = await expirations(context);
  expect(certificates.map(({ name }) => name)).toEqual(renewableNames);
  const ends = new Map(certificates.map(({ name, ends }) => [name, ends]));
  expect(ends.get('apiserver')).toEqual(new Date('2026-03-11T12:00:00Z'));
  expect(ends.get('scheduler.conf')).toBeUndefined();
  expect(authorities.map(({ name, ends }) => `${name} ${ends?.getUTCFullYear()}`)).toEqual([
    'ca 2036',
    'front-proxy-ca 2036',
    'etcd-ca 2036',
  ]);
});

test('reset removes what was written, and nothing else', async () => {
  const { files, context } = await installed();
  await files.write('/etc/kubernetes/mine', 'x');
  await files.write('/etc/kubernetes/manifests/mine.yaml', 'x');
  await files.write('/var/lib/kubelet/config.yaml', 'x');
  expect(await installedFiles(context)).toContain('/etc/kubernetes/pki');
  await runPhases(resetPhases, { ...context, world: systemWorld() });
  expect([...files.written.keys()]).toEqual(['/etc/kubernetes/mine', '/etc/kubernetes/manifests/mine.yaml']);
  expect(await installedFiles(context)).toEqual([]);
});
