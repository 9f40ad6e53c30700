import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { day } from './certificate.ts';
import { ClusterPki, ensureClusterPki as ensure, servingNames } from './cluster-pki.ts';
import { createSelfSigned, ensureServingCertificate } from './self-signed.ts';

const now = new Date('2026-03-01T12:00:00Z');
const later = (days: number) => new Date(now.getTime() + days * day);
const names = servingNames('10.96.0.1', ['node-1', 'fd00::1']);

let root: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'keelson-pki-'));
});
afterAll(() => rm(root, { recursive: true }));
async function ensureClusterPki(path: string, names: readonly string[], now: Date): Promise<ClusterPki> {
  const pki = new ClusterPki(path);
  await ensure(pki, names, 'node', now);
  return pki;
}
const directory = () => join(root, String(count++));

const files = ['ca', 'front-proxy-ca', 'apiserver', 'apiserver-kubelet-client', 'front-proxy-client', 'admin'] as const;
const certificate = async (pki: ClusterPki, name: (typeof files)[number]) =>
  new X509Certificate(await readFile(pki.certificateFile(name)));
const serials = (pki: ClusterPki) =>
  Promise.all(files.map(async (name) => (await certificate(pki, name)).serialNumber));

describe('cluster PKI', () => {
  test('is complete, private and consistent', async () => {
    const pki = await ensureClusterPki(directory(), names, now);
    const ca = await certificate(pki, 'ca');
    const admin = await certificate(pki, 'admin');
    const serving = await certificate(pki, 'apiserver');
    const proxy = await certificate(pki, 'front-proxy-client');

    expect(ca.ca).toBe(true);
    expect(ca.subject).toBe('CN=kubernetes');
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(admin.subject.split('\n').sort()).toEqual(['CN=kubernetes-admin', 'O=system:masters']);
    expect(admin.checkIssued(ca)).toBe(true);
    expect(admin.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(serving.checkIssued(ca)).toBe(true);
    expect(serving.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(serving.ca).toBe(false);
    for (const ip of ['10.96.0.1', '127.0.0.1', '::1', 'fd00::1']) expect(serving.checkIP(ip), ip).toBeDefined();
    for (const host of ['localhost', 'node-1', 'kubernetes.default.svc'])
      expect(serving.checkHost(host), host).toBe(host);
    expect(proxy.checkIssued(await certificate(pki, 'front-proxy-ca'))).toBe(true);
    expect(proxy.verify(ca.publicKey)).toBe(false);

    const signing = createPrivateKey(await readFile(pki.serviceAccountKeyFile));
    expect(signing.asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(createPublicKey(signing).equals(createPublicKey(await readFile(pki.serviceAccountPublicKeyFile)))).toBe(
      true,
    );

    const paths = [...files.flatMap((n) => [pki.certificateFile(n), pki.keyFile(n)]), pki.serviceAccountKeyFile];
    for (const path of paths) expect((await stat(path)).mode & 0o777, path).toBe(0o600);
    expect((await stat(pki.directory)).mode & 0o777).toBe(0o700);
  });

  test('is kept by later starts', async () => {
    const path = directory();
    const before = await serials(await ensureClusterPki(path, names, now));
    expect(await serials(await ensureClusterPki(path, names, later(300)))).toEqual(before);
  });

  test('renews what ends soon, under the same authority', async () => {
    const path = directory();
    const [ca, proxyCa, ...before] = await serials(await ensureClusterPki(path, names, now));
    const [caAfter, proxyCaAfter, ...after] = await serials(await ensureClusterPki(path, names, later(336)));
    expect([caAfter, proxyCaAfter]).toEqual([ca, proxyCa]);
    for (const [i, serial] of before.entries()) expect(after[i]).not.toBe(serial);
  });

  test('renews an authority with its old key, so that what it signed stays valid', async () => {
    const path = directory();
    const pki = await ensureClusterPki(path, names, now);
    const [ca, admin] = [await certificate(pki, 'ca'), await certificate(pki, 'admin')];
    await ensureClusterPki(path, names, later(3630));
    const renewed = await certificate(pki, 'ca');
    expect(renewed.serialNumber).not.toBe(ca.serialNumber);
    expect(admin.verify(renewed.publicKey)).toBe(true);
  });

  test('issues the serving certificate again for a new name, and nothing else', async () => {
    const path = directory();
    const [ca, proxyCa, serving, ...before] = await serials(await ensureClusterPki(path, names, now));
    const pki = await ensureClusterPki(path, [...names, '192.0.2.7'], now);
    const [caAfter, proxyCaAfter, servingAfter, ...after] = await serials(pki);
    expect([caAfter, proxyCaAfter, ...after]).toEqual([ca, proxyCa, ...before]);
    expect(servingAfter).not.toBe(serving);
    expect((await certificate(pki, 'apiserver')).checkIP('192.0.2.7')).toBeDefined();
  });

  test('heals a start that was cut short between key and certificate', async () => {
    const path = directory();
    const pki = await ensureClusterPki(path, names, now);
    const admin = await certificate(pki, 'admin');
    await rm(pki.certificateFile('ca'));
    await writeFile(pki.keyFile('apiserver'), await readFile(pki.keyFile('admin')));
    await ensureClusterPki(path, names, now);
    const ca = await certificate(pki, 'ca');
    expect(admin.verify(ca.publicKey)).toBe(true);
    const serving = await certificate(pki, 'apiserver');
    expect(serving.checkPrivateKey(createPrivateKey(await readFile(pki.keyFile('apiserver'))))).toBe(true);
  });

  test('does without the key of an authority until something must be signed', async () => {
    const path = directory();
    const pki = await ensureClusterPki(path, names, now);
    await rm(pki.keyFile('ca'));
    await ensureClusterPki(path, names, now);
    await expect(ensureClusterPki(path, names, later(336))).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringMatching(/ca\.key, which has to sign it, is missing/),
      remedy: `restore that key, or remove ${path} to start with a new authority`,
    });
  });

  test('makes anew what was made while the clock was ahead', async () => {
    const path = directory();
    await ensureClusterPki(path, names, later(100));
    const pki = await ensureClusterPki(path, names, now);
    for (const name of files) {
      expect(Date.parse((await certificate(pki, name)).validFrom), name).toBeLessThanOrEqual(now.getTime());
    }
  });

  test('a lost key of tokens is replaced; the public one of before still vouches for old tokens', async () => {
    const path = directory();
    const pki = await ensureClusterPki(path, names, now);
    const before = await readFile(pki.serviceAccountPublicKeyFile, 'utf8');
    await rm(pki.serviceAccountKeyFile);
    await ensureClusterPki(path, names, now);
    const after = await readFile(pki.serviceAccountPublicKeyFile, 'utf8');
    const signing = createPrivateKey(await readFile(pki.serviceAccountKeyFile));
    expect(createPublicKey(signing).equals(createPublicKey(after))).toBe(true);
    expect(after.endsWith(before)).toBe(true);
    await ensureClusterPki(path, names, now);
    expect(await readFile(pki.serviceAccountPublicKeyFile, 'utf8')).toBe(after);
  });
});

describe('self-signed serving certificate', () => {
  test('is made once, with its authority behind it', async () => {
    const path = directory();
    const { certFile, keyFile } = await ensureServingCertificate(path, '192.0.2.1', ['kubernetes', '10.0.0.1'], now);
    const text = await readFile(certFile, 'utf8');
    const [leaf, authority] = text.split(/(?<=-----END CERTIFICATE-----\n)/).map((pem) => new X509Certificate(pem));
    expect(leaf!.subject).toMatch(/^CN=192\.0\.2\.1@\d+$/);
    expect(leaf!.checkIssued(authority!)).toBe(true);
    expect(leaf!.checkPrivateKey(createPrivateKey(await readFile(keyFile)))).toBe(true);
    expect(leaf!.checkIP('10.0.0.1')).toBeDefined();
    await ensureServingCertificate(path, '192.0.2.1', [], later(1000));
    expect(await readFile(certFile, 'utf8')).toBe(text);
  });

  test('refuses half a pair', async () => {
    const path = directory();
    const { keyFile } = await ensureServingCertificate(path, 'localhost', [], now);
    await rm(keyFile);
    await expect(ensureServingCertificate(path, 'localhost', [], now)).rejects.toThrow(
      `error reading ${keyFile}, certificate and key must be supplied as a pair`,
    );
  });

  test('every one has a serial number of its own', async () => {
    const pairs = await Promise.all([1, 2, 3].map(() => createSelfSigned('localhost', [], now)));
    expect(new Set(pairs.map((pair) => new X509Certificate(pair.certificate).serialNumber)).size).toBe(3);
  });
});
