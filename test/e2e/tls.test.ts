import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { createSelfSigned } from '@keelson/cluster/pki/self-signed';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ApiServer, startApiServer } from '../support/api-server.ts';

let root: string;
let server: ApiServer;
const file = (name: string) => join(root, name);

async function put(name: string, host: string, names: readonly string[]): Promise<void> {
  const { certificate, key } = await createSelfSigned(host, names, new Date());
  await writeFile(file(`${name}.key`), key);
  await writeFile(file(`${name}.crt`), certificate);
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'keelson-tls-'));
  await put('main', 'main.example', []);
  await put('listed', 'listed.example', []);
  await put('own', 'own.example', ['other.example']);
  server = await startApiServer('memory', [
    `--tls-cert-file=${file('main.crt')}`,
    `--tls-private-key-file=${file('main.key')}`,
    `--tls-sni-cert-key=${file('listed.crt')},${file('listed.key')}:a.example,*.b.example`,
    `--tls-sni-cert-key=${file('own.crt')},${file('own.key')}`,
    '--tls-min-version=VersionTLS12',
    '--tls-cipher-suites=TLS_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
    '--tls-curve-preferences=23,4588',
  ]);
});
afterAll(async () => {
  await server.stop();
  await rm(root, { recursive: true });
});

interface Handshake {
  /** The certificate's common name up to the time in it. */
  readonly name: string;
  readonly cipher: string;
  readonly protocol: string | null;
}

function handshake(options: ConnectionOptions): Promise<Handshake> {
  const port = Number(new URL(server.url).port);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options }, () => {
      const name = String(socket.getPeerCertificate().subject.CN).split('@')[0]!;
      resolve({ name, cipher: socket.getCipher().standardName, protocol: socket.getProtocol() });
      socket.destroy();
    }).once('error', reject);
  });
}

describe('TLS of the API server', () => {
  test.each([
    ['', 'main.example'],
    ['unknown.example', 'main.example'],
    ['a.example', 'listed.example'],
    ['A.EXAMPLE', 'listed.example'],
    ['x.b.example', 'listed.example'],
    ['x.y.b.example', 'main.example'],
    ['listed.example', 'main.example'],
    ['own.example', 'own.example'],
    ['other.example', 'own.example'],
  ])('a client that asks for %j gets the certificate of %s', async (servername, name) => {
    expect(await handshake(servername === '' ? {} : { servername })).toMatchObject({ name });
  });

  test('only the suites that are allowed', async () => {
    expect(await handshake({})).toMatchObject({ cipher: 'TLS_AES_128_GCM_SHA256', protocol: 'TLSv1.3' });
    const old = { maxVersion: 'TLSv1.2' } as const;
    expect(await handshake(old)).toMatchObject({ cipher: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384' });
    await expect(handshake({ ...old, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).rejects.toThrow();
    await expect(handshake({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow();
  });

  test('only the curves that are allowed', async () => {
    for (const ecdhCurve of ['P-256', 'X25519MLKEM768']) expect(await handshake({ ecdhCurve })).toBeDefined();
    for (const ecdhCurve of ['P-384', 'X25519']) await expect(handshake({ ecdhCurve })).rejects.toThrow();
  });

  test('a certificate that is replaced is served without a restart', async () => {
    await put('listed', 'renewed.example', []);
    await vi.waitFor(
      async () => expect(await handshake({ servername: 'a.example' })).toMatchObject({ name: 'renewed.example' }),
      { timeout: 15_000, interval: 500 },
    );
  });
});
