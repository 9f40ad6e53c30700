import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { ManualClock } from '@keelson/api/clock';
import { StatusError } from '@keelson/api/errors';
import { startProxy } from '@keelson/client/testing/proxy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServingCertificate } from '../http/listener.ts';
import { selfSigned } from '../http/testing.ts';
import { isTransient, KubeconfigWebhook, WebhookUnreachable, withRetries } from './kubeconfig.ts';
import { startTestServer, type TestServer } from './testing.ts';

const body = Buffer.from('{}');
const clock = new ManualClock(1_000_000);
let directory: string;
let server: TestServer;
let status = 200;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'keelson-hook-'));
  server = await startTestServer(() => ({ status, body: '{"a":1}' }));
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

function open(kubeconfig: string, timeoutMs?: number): KubeconfigWebhook {
  const path = join(directory, 'kubeconfig');
  writeFileSync(path, kubeconfig);
  return KubeconfigWebhook.open(path, { clock }, timeoutMs);
}

describe('a webhook of a kubeconfig', () => {
  it('is asked at its path, without slashes at the end', async () => {
    const webhook = open(server.kubeconfig('/a/b//?x=1'), 1500);
    expect((await webhook.post(body)).toString()).toBe('{"a":1}');
    expect(server.received.at(-1)!.path).toBe('/a/b?timeout=1.5s');
    webhook.close();
  });

  it('is shown a token from a file that may change, at once where it was refused', async () => {
    writeFileSync(join(directory, 'token'), 'one\n');
    const webhook = open(server.kubeconfig('/', 'tokenFile: token'));
    const shown = async () => {
      await webhook.post(body).catch(() => {});
      return server.received.at(-1)!.headers.authorization;
    };
    expect(await shown()).toBe('Bearer one');
    writeFileSync(join(directory, 'token'), 'two');
    status = 401;
    expect(await shown()).toBe('Bearer one');
    status = 200;
    expect(await shown()).toBe('Bearer two');
    webhook.close();
  });

  describe('that wants a certificate', () => {
    let own: ServingCertificate;
    let client: ServingCertificate;
    let strict: https.Server;
    const names: unknown[] = [];
    beforeAll(async () => {
      [own, client] = [await selfSigned('127.0.0.1'), await selfSigned('client')];
      strict = https.createServer(
        { ...own, requestCert: true, rejectUnauthorized: false, ca: client.cert },
        (req, res) => {
          const socket = req.socket as TLSSocket;
          names.push([socket.authorized, socket.getPeerCertificate().subject?.CN, req.headers.authorization]);
          res.end('{}');
        },
      );
      await new Promise<void>((resolve) => strict.listen(0, '127.0.0.1', resolve));
      writeFileSync(join(directory, 'ca.crt'), own.cert);
    });
    afterAll(() => new Promise((resolve) => strict.close(resolve)));

    const openStrict = (user: string) =>
      open(`
current-context: hook
contexts: [{name: hook, context: {cluster: hook, user: server}}]
clusters: [{name: hook, cluster: {server: "https://127.0.0.1:${(strict.address() as AddressInfo).port}", certificate-authority: ca.crt}}]
users: [{name: server, user: {${user}}}]
`);

    it('is shown that of a file', async () => {
      writeFileSync(join(directory, 'client.crt'), client.cert);
      writeFileSync(join(directory, 'client.key'), client.key);
      const webhook = openStrict('client-certificate: client.crt, client-key: client.key');
      await webhook.post(body);
      expect(names.splice(0)).toEqual([[true, 'test', undefined]]);
      webhook.close();
    });

    it('is shown that of a program, until it has ended or the program has another', async () => {
      const says = ({ cert, key }: ServingCertificate, expirationTimestamp: string) => {
        const status = { clientCertificateData: cert, clientKeyData: key, expirationTimestamp };
        const credential = { kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1', status };
        writeFileSync(join(directory, 'credential'), JSON.stringify(credential));
      };
      writeFileSync(join(directory, 'certificates'), `#!/bin/sh\ncat ${directory}/credential\n`, { mode: 0o755 });
      const webhook = openStrict(
        'exec: {apiVersion: client.authentication.k8s.io/v1, command: ./certificates, interactiveMode: Never}',
      );
      says(client, new Date(clock.now() + 60_000).toISOString());
      await webhook.post(body);
      says(own, new Date(clock.now() + 120_000).toISOString());
      await webhook.post(body);
      clock.advance(60_000);
      await webhook.post(body);
      expect(names.splice(0)).toEqual([
        [true, 'test', undefined],
        [true, 'test', undefined],
        [false, 'test', undefined],
      ]);
      webhook.close();
    });
  });

  it.each<[string, (kubeconfig: string) => string, RegExp]>([
    [
      'whose authority is another one',
      (kubeconfig) => kubeconfig.replace(/, certificate-authority-data: [^}]*/, ''),
      /^Post "https:.*\/\?timeout=30s": tls: failed to verify certificate: x509: certificate signed by unknown authority$/,
    ],
    [
      'that is not there',
      (kubeconfig) => kubeconfig.replace(server.url, 'https://127.0.0.1:1'),
      /^Post "https:\/\/127\.0\.0\.1:1\/\?timeout=30s": dial tcp 127\.0\.0\.1:1: connect: connection refused$/,
    ],
  ])('%s', async (_, change, message) => {
    const webhook = open(change(server.kubeconfig('/')));
    await expect(webhook.post(body)).rejects.toThrow(message);
    webhook.close();
  });

  it.each(['http', 'socks5'] as const)('is shown a name and a password, through a proxy of %s', async (scheme) => {
    const proxy = await startProxy(scheme);
    const kubeconfig = server.kubeconfig('/', 'username: jane, password: secret');
    const webhook = open(kubeconfig.replace('cluster: {', `cluster: {proxy-url: "${proxy.url}", `));
    expect((await webhook.post(body)).toString()).toBe('{"a":1}');
    expect(server.received.at(-1)!.headers.authorization).toBe(`Basic ${btoa('jane:secret')}`);
    expect(proxy.targets).toEqual([`127.0.0.1:${server.port}`]);
    webhook.close();
    proxy.close();
  });

  it('is shown the token that a program has', async () => {
    const credential =
      '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}}';
    writeFileSync(join(directory, 'tokens'), `#!/bin/sh\necho '${credential}'\n`, { mode: 0o755 });
    const exec = 'apiVersion: client.authentication.k8s.io/v1, command: ./tokens, interactiveMode: Never';
    const webhook = open(server.kubeconfig('/', `exec: {${exec}}`));
    await webhook.post(body);
    expect(server.received.at(-1)!.headers.authorization).toBe('Bearer t');
    webhook.close();
  });
});

describe('another attempt', () => {
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
  const hangUp = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  it.each<[string, unknown, boolean]>([
    ['an overloaded server', new StatusError(429, 'TooManyRequests', ''), true],
    ['a broken server', new StatusError(500, 'InternalError', ''), true],
    ['a server that waits for another', new StatusError(504, 'Timeout', ''), true],
    ['a refusal', new StatusError(403, 'Forbidden', ''), false],
    ['a connection that was reset', new WebhookUnreachable('', reset, false), true],
    ['a connection that was closed', new WebhookUnreachable('', hangUp, false), false],
    ['too long a wait', new WebhookUnreachable('', new Error('aborted'), true), false],
  ])('after %s', (_, error, expected) => expect(isTransient(error)).toBe(expected));

  it('is made after a while that grows, five times at most', async () => {
    const waits: number[] = [];
    const world = {
      clock: {
        now: () => 0,
        after: (ms: number, callback: () => void) => {
          waits.push(ms);
          queueMicrotask(callback);
          return () => {};
        },
      },
      random: () => 0.5,
    };
    const fail = async () => {
      throw new StatusError(500, 'InternalError', 'broken');
    };
    await expect(withRetries(world, { firstMs: 500 }, fail)).rejects.toThrow('broken');
    expect(waits.map(Math.round)).toEqual([550, 825, 1238, 1856]);
  });
});
