import { mkdtemp, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { Client } from '@keelson/client';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { Pkcs10CertificateRequest, X509CertificateGenerator } from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateMetrics } from './metrics.ts';
import { CertificateError, type KeyPair, requestCertificate } from './request.ts';
import { keepCertificate } from './rotation.ts';
import { CertificateStore } from './store.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const now = Date.parse('2026-01-01T00:00:00Z');
const DAY = 86_400_000;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-certificates-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function pairFrom(notBefore: number, days: number): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=n1',
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(notBefore),
    notAfter: new Date(notBefore + days * DAY),
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  };
}

/** A client whose one request ends as the status says. */
function clientWith(status: object) {
  let sent: { spec: { request: string; usages: string[]; signerName: string } } | undefined;
  const transport = new FakeTransport(({ method, body }) => {
    if (method === 'POST') sent = JSON.parse(Buffer.from(body!).toString());
    const object = { metadata: { name: 'csr-1', resourceVersion: '1' }, status };
    return {
      body: method === 'POST' ? { metadata: object.metadata } : `${JSON.stringify({ type: 'MODIFIED', object })}\n`,
    };
  });
  return { client: new Client({ transport, component: 'kubelet', world: manualWorld() }), sent: () => sent! };
}

describe('requestCertificate', () => {
  it('asks in the name of the node, and takes what is issued', async () => {
    const { client, sent } = clientWith({ certificate: Buffer.from('PEM').toString('base64') });
    const names = ['n1.example.com', '192.0.2.1'];
    const pair = await requestCertificate({ client, signer: 'kubernetes.io/kubelet-serving', nodeName: 'n1', names });
    expect(pair.certificate).toBe('PEM');
    expect(pair.key).toContain('PRIVATE KEY');
    const { spec } = sent();
    expect(spec).toMatchObject({
      signerName: 'kubernetes.io/kubelet-serving',
      usages: ['digital signature', 'server auth'],
    });
    const request = new Pkcs10CertificateRequest(Buffer.from(spec.request, 'base64').toString());
    expect(request.subject).toBe('O=system:nodes, CN=system:node:n1');
    expect(await request.verify()).toBe(true);
  });

  it('says who refused it', async () => {
    const { client } = clientWith({ conditions: [{ type: 'Denied', reason: 'No', message: 'never' }] });
    const asked = requestCertificate({ client, signer: 'kubernetes.io/kube-apiserver-client-kubelet', nodeName: 'n1' });
    await expect(asked).rejects.toThrow(new CertificateError('certificate signing request csr-1 is denied: No never'));
  });
});

describe('keepCertificate', () => {
  it('renews a certificate before it ends, and keeps pairs that belong together', async () => {
    const world = manualWorld(now);
    const store = new CertificateStore(join(directory, 'pki'), 'kubelet-client');
    const made: KeyPair[] = [];
    const request = async () => {
      made.push(await pairFrom(world.clock.now(), 10));
      return made.at(-1)!;
    };
    const registry = new MetricsRegistry();
    const metrics = new CertificateMetrics('server', registry, () => world.clock.now());
    const counted = async (name: string) => new RegExp(`^kubelet_${name} (.*)`, 'm').exec(await registry.text())?.[1];
    expect(await counted('certificate_manager_server_ttl_seconds')).toBe('+Inf');
    const running = await keepCertificate({ store, world, request, metrics });
    await world.pass(1);
    await running.first;
    expect(made.length).toBe(1);
    expect(await store.read()).toEqual(made[0]);
    expect((await stat(store.file)).mode & 0o777).toBe(0o600);
    const first = await readlink(store.file);
    world.clock.advance(7.9 * DAY);
    expect(made.length).toBe(1);
    world.clock.advance(0.2 * DAY);
    await expect.poll(() => made.length).toBe(2);
    await expect.poll(() => readlink(store.file)).not.toBe(first);
    expect(await store.read()).toEqual(made[1]);
    expect(Number(await counted('certificate_manager_server_ttl_seconds'))).toBeGreaterThan((9 * DAY) / 1000);
    expect(await counted('certificate_manager_server_rotation_seconds_count')).toBe('1');
    expect(await counted('server_expiration_renew_errors')).toBe('0');
    await running.stop();
  });

  it('does not ask while there is a good one, and asks for the next in time', async () => {
    const world = manualWorld(now);
    const store = new CertificateStore(join(directory, 'pki'), 'kubelet-server');
    await store.write(await pairFrom(now, 10), new Date(now));
    let asked = 0;
    const request = () => {
      asked += 1;
      return Promise.reject(new Error('not now'));
    };
    const registry = new MetricsRegistry();
    const metrics = new CertificateMetrics('client', registry, () => world.clock.now());
    const running = await keepCertificate({ store, world, request, metrics });
    world.clock.advance(7.9 * DAY);
    expect(asked).toBe(0);
    world.clock.advance(0.2 * DAY);
    expect(asked).toBe(1);
    const failed = 'kubelet_certificate_manager_client_expiration_renew_errors 1\n';
    await expect.poll(() => registry.text()).toContain(failed);
    await running.stop();
  });

  it('can be stopped while somebody has still to sign the first one', async () => {
    const world = manualWorld(now);
    const store = new CertificateStore(join(directory, 'unsigned'), 'kubelet-client');
    let asked: AbortSignal | undefined;
    const request = (signal: AbortSignal) => {
      asked = signal;
      return new Promise<KeyPair>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const running = await keepCertificate({ store, world, request });
    await world.pass(1);
    expect(asked?.aborted).toBe(false);
    await running.stop();
    expect(asked?.aborted).toBe(true);
    await expect(running.first).rejects.toThrow('nobody needs the certificate any more');
    await running.done;
    world.clock.advance(DAY);
    expect(await store.read()).toBeUndefined();
  });
});
