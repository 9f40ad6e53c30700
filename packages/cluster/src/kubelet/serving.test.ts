import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '@keelson/component/logs/logger';
import { silentLogger } from '@keelson/component/logs/logger';
import { serve } from '@keelson/component/serving/server';
import { expect, test, vi } from 'vitest';
import { createAuthority, issue } from '../pki/certificate.ts';
import { clientAuthorities, serveWith } from './serving.ts';

test('client certificates are those of the authorities that the file has now', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'keelson-clients-'));
  const now = new Date();
  const [first, second] = [await createAuthority('first', now), await createAuthority('second', now)];
  const file = join(directory, 'ca.crt');
  await writeFile(file, first.certificate);
  const asking = (authority: typeof first) =>
    issue({ commonName: 'alice', organizations: [], usage: 'client' }, authority, now, { lifetimeMs: 3_600_000 });
  const [old, young] = [await asking(first), await asking(second)];
  const own = await asking(first);
  const clients = clientAuthorities(file, silentLogger as unknown as Logger)!;
  const server = await serve({
    host: '127.0.0.1',
    port: 0,
    tls: { certificate: { cert: own.certificate, key: own.key }, clientCa: clients.pem },
    authenticate: async () => undefined,
    anonymous: false,
    authorize: async () => undefined,
    handle: async (_, response) => void response.end(),
    failed: () => {},
  });
  const noCertificate = {
    certificate: undefined,
    follow: async () => ({ done: Promise.resolve(), stop: async () => {} }),
  };
  const running = await serveWith(noCertificate, clients, server);
  const status = ({ certificate: cert, key }: typeof old) =>
    new Promise((resolve, reject) => {
      const options = {
        port: running.port,
        host: '127.0.0.1',
        cert,
        key,
        rejectUnauthorized: false,
        agent: false,
      } as const;
      https.get(options, ({ statusCode }) => resolve(statusCode)).on('error', reject);
    });
  try {
    expect([await status(old), await status(young)]).toEqual([200, 401]);
    await writeFile(file, second.certificate);
    await vi.waitFor(async () => expect([await status(old), await status(young)]).toEqual([401, 200]), 20_000);
  } finally {
    await running.stop();
    await rm(directory, { recursive: true });
  }
}, 30_000);

test('without a certificate handshakes fail as with upstream, until there is one', async () => {
  const now = new Date();
  const authority = await createAuthority('kubernetes', now);
  const leaf = await issue({ commonName: 'system:node:n1', usage: 'server', names: ['127.0.0.1'] }, authority, now);
  const server = await serve({
    host: '127.0.0.1',
    port: 0,
    tls: { certificate: undefined },
    anonymous: true,
    authorize: async () => undefined,
    handle: async (_, response) => void response.end(),
    failed: () => {},
  });
  const status = () =>
    new Promise((resolve) => {
      const options = { port: server.port, host: '127.0.0.1', ca: authority.certificate, agent: false };
      https
        .get(options, ({ statusCode }) => resolve(statusCode))
        .on('error', ({ message }) => resolve(/SSL alert number \d+/.exec(message)?.[0]));
    });
  try {
    expect(await status()).toBe('SSL alert number 80');
    server.setCertificate({ cert: leaf.certificate, key: leaf.key });
    expect(await status()).toBe(200);
  } finally {
    await server.stop();
  }
});
