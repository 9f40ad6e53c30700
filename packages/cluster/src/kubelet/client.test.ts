import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientMetrics } from '@keelson/client';
import { silentLogger } from '@keelson/component/logs/logger';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kubeconfigText } from '../install/kubeconfigs.ts';
import { createAuthority, issue } from '../pki/certificate.ts';
import { nodeClient } from './client.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-node-client-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const at = (name: string) => join(directory, name);
const year = 365 * 86_400_000;

/** A kubeconfig of a server that nobody runs, with a certificate from a time on. */
async function writeAccess(name: string, from = new Date()): Promise<string> {
  const authority = await createAuthority('kubernetes', from);
  const profile = { commonName: 'system:node:n1', organizations: ['system:nodes'], usage: 'client' } as const;
  const credentials = await issue(profile, authority, from, { lifetimeMs: year });
  const content = { clusterName: 'c', server: 'https://127.0.0.1:1', user: 'u', credentials };
  await writeFile(at(name), kubeconfigText({ ...content, certificateAuthority: authority.certificate }));
  return credentials.certificate;
}

const open = (rotate: boolean, bootstrapKubeconfig = at('none')) =>
  nodeClient({
    kubeconfig: at('kubelet.conf'),
    bootstrapKubeconfig,
    certificateDirectory: at('pki'),
    rotate,
    nodeName: 'n1',
    rateLimit: undefined,
    streamsLists: true,
    metrics: new ClientMetrics(new MetricsRegistry()),
    registry: new MetricsRegistry(),
    logger: silentLogger as Parameters<typeof nodeClient>[0]['logger'],
  });

test('a certificate in the kubeconfig becomes the kubelet’s own where it renews it', async () => {
  const certificate = await writeAccess('kubelet.conf');
  const { client, rotation } = await open(true);
  const current = await readFile(at('pki/kubelet-client-current.pem'), 'utf8');
  expect(new X509Certificate(current).fingerprint256).toBe(new X509Certificate(certificate).fingerprint256);
  client.close();
  await rotation!.stop();
});

test('it stays where it is where somebody else renews it', async () => {
  await writeAccess('kubelet.conf');
  const { client, rotation } = await open(false);
  expect([rotation, existsSync(at('pki'))]).toEqual([undefined, false]);
  client.close();
});

test('one that has ended is not waited for: the API server may be a pod that this kubelet has to start', async () => {
  await writeAccess('kubelet.conf', new Date(Date.now() - 2 * year));
  const { client, rotation } = await open(true);
  client.close();
  await rotation!.stop();
});

test('without a kubeconfig and a way to get one, the kubelet says so', async () => {
  await expect(open(true, '')).rejects.toThrow('kubelet.conf');
});
