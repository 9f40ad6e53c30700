import { Client } from '@keelson/client';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { describe, expect, test } from 'vitest';
import { encrypt, newCertificateKey } from '../certificate-key.ts';
import { runPhases } from '../phase.ts';
import { certsPhase } from '../phases/certs.ts';
import { uploadCertsPhase } from '../phases/upload-certs.ts';
import { document, testInstallation } from '../testing.ts';
import { downloadShared, expectShared } from './shared.ts';

const key = newCertificateKey();
const quick = document('ClusterConfiguration', 'encryptionAlgorithm: ECDSA-P256');
const SECRET = 'secrets kube-system/kubeadm-certs';

/** One that has kept its authorities. */
async function first() {
  const installation = testInstallation(quick, { upload: { key, skipPrint: false } });
  await runPhases([certsPhase, uploadCertsPhase], installation.context);
  return installation;
}

const clientOf = (status: number, body: object) =>
  new Client({ transport: new FakeTransport(() => ({ status, body })), component: 'test', world: manualWorld() });

describe('what machines of a control plane share', () => {
  test('is written as it was, and is all that is needed', async () => {
    const { files, objects } = await first();
    const joining = testInstallation(quick);
    await expect(expectShared(joining.context)).rejects.toThrow(
      'the authority /etc/kubernetes/pki/ca.crt is not there',
    );
    await downloadShared(clientOf(200, objects.get(SECRET)!), joining.context, key);
    for (const [path, text] of joining.files.written) expect(await files.read(path)).toBe(text);
    await expectShared(joining.context);
  });

  test('is not whole without the key of service accounts', async () => {
    const { files, context } = await first();
    await files.remove('/etc/kubernetes/pki/sa.key');
    await expect(expectShared(context)).rejects.toThrow('the key /etc/kubernetes/pki/sa.key is not there');
  });

  test('is fetched by who may', async () => {
    const { context } = testInstallation(quick);
    const status = (reason: string, code: number) => ({
      kind: 'Status',
      status: 'Failure',
      reason,
      code,
      message: reason,
    });
    await expect(downloadShared(clientOf(404, status('NotFound', 404)), context, key)).rejects.toThrow(
      'error downloading certs: Secret "kubeadm-certs" was not found in the "kube-system" Namespace. This Secret might have expired',
    );
    await expect(downloadShared(clientOf(403, status('Forbidden', 403)), context, key)).rejects.toThrow('Forbidden');
  });

  test('is of use with its key alone', async () => {
    const { objects } = await first();
    const { context, files } = testInstallation(quick);
    const secret = clientOf(200, objects.get(SECRET)!);
    await expect(downloadShared(secret, context, newCertificateKey())).rejects.toThrow(
      'error decoding secret data with provided key: cipher: message authentication failed',
    );
    expect(files.written.size).toBe(0);
  });

  test('is keys and certificates', async () => {
    const { objects } = await first();
    const { data } = objects.get(SECRET) as { data: Record<string, string> };
    const spoilt = { data: { ...data, 'sa.pub': encrypt('#!/bin/sh', key).toString('base64') } };
    const { context, files } = testInstallation(quick);
    await expect(downloadShared(clientOf(200, spoilt), context, key)).rejects.toThrow('unknown data found in Secret');
    expect(files.written.size).toBe(0);
  });
});
