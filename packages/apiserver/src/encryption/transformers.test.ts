import { createCipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@keelson/api/clock';
import { decodeStored } from '@keelson/api/codec/stored';
import { ConfigObject } from '@keelson/component/configfile';
import { silentLogger } from '@keelson/component/logs/logger';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { describe, expect, it } from 'vitest';
import { AesCbc, AesGcm, ExtendedNonceGcm } from './aes.ts';
import { Choice } from './choice.ts';
import { readConfiguration } from './configuration.ts';
import { identity } from './identity.ts';
import { startTestPlugin } from './kms/testing.ts';
import { buildProviders } from './providers.ts';
import { Secretbox } from './secretbox.ts';
import { configurationOf, encryptionMetrics, keysOf } from './testing.ts';
import { joined, type Opened, type ValueTransformer } from './transformer.ts';

const key = (letter: string, length = 32) => Buffer.alloc(length, letter);
const PATH = '/registry/secrets/a/b';

function seal(transformer: ValueTransformer, text: string, path = PATH): Buffer {
  return Buffer.from(joined(transformer.seal(Buffer.from(text), path)));
}
const open = (transformer: ValueTransformer, stored: Buffer, path = PATH) => transformer.open(stored, path) as Opened;

const ciphers: [string, ValueTransformer, overhead: number][] = [
  ['aescbc', new AesCbc(key('a')), 16],
  ['aescbc of 16 bytes', new AesCbc(key('a', 16)), 16],
  ['aesgcm', new AesGcm(key('a')), 28],
  ['aesgcm of 24 bytes', new AesGcm(key('a', 24)), 28],
  ['extended nonces', new ExtendedNonceGcm(key('a')), 60],
  ['secretbox', new Secretbox(key('a')), 40],
];

describe.each(ciphers)('%s', (name, cipher, overhead) => {
  it.each([0, 1, 15, 16, 17, 10_000])('gives back %i bytes, and hides them', (length) => {
    const text = 'x'.repeat(length);
    const stored = seal(cipher, text);
    expect(open(cipher, stored)).toEqual({ value: Buffer.from(text), stale: false });
    expect(stored.equals(seal(cipher, text))).toBe(false);
    const padding = name.startsWith('aescbc') ? 16 - (length % 16) : 0;
    expect(stored.length).toBe(length + overhead + padding);
    expect(stored.includes('xxxxxxxxxxxx')).toBe(false);
  });

  it('refuses what is cut off', () => {
    expect(() => open(cipher, seal(cipher, 'text').subarray(0, 11))).toThrow(
      'the stored data was shorter than the required size',
    );
  });
});

it.each([
  ['aesgcm', new AesGcm(key('a')), 'cipher: message authentication failed'],
  ['extended nonces', new ExtendedNonceGcm(key('a')), 'cipher: message authentication failed'],
  ['secretbox', new Secretbox(key('a')), 'output array was not large enough for encryption'],
])('%s notices a bit that has changed', (_, cipher, message) => {
  const stored = seal(cipher, 'text');
  stored[stored.length - 1]! ^= 1;
  expect(() => open(cipher, stored)).toThrow(message);
});

it.each([new AesGcm(key('a')), new ExtendedNonceGcm(key('a'))])('a value is good under its own key alone', (cipher) => {
  expect(() => open(cipher, seal(cipher, 'text'), '/registry/secrets/a/c')).toThrow('message authentication failed');
});

it('aescbc refuses what it can not have written', () => {
  const cbc = new AesCbc(key('a'));
  expect(() => open(cbc, Buffer.alloc(33))).toThrow('the stored data is not a multiple of the block size');
  // Of an initialization vector in 256 what another key makes of it looks padded: this one is not among them.
  const vector = Buffer.alloc(16);
  const other = createCipheriv('aes-256-cbc', key('b'), vector);
  const stored = Buffer.concat([vector, other.update('text'), other.final()]);
  expect(open(new AesCbc(key('b')), stored).value.toString()).toBe('text');
  expect(() => open(cbc, stored)).toThrow(/invalid (PKCS7 data|padding)/);
});

it('a seed must be long enough', () => {
  expect(() => new ExtendedNonceGcm(Buffer.alloc(31))).toThrow('invalid seed length 31 used for key generation');
});

describe('a choice', () => {
  const metrics = encryptionMetrics().transformations('secrets');
  const [a, b] = [new AesGcm(key('a')), new AesGcm(key('b'))];
  const choice = (...list: [string, ValueTransformer][]) =>
    new Choice(
      list.map(([prefix, transformer]) => ({ prefix, transformer })),
      'no matching prefix found',
      metrics,
    );

  it('writes with the first, and reads what others wrote as stale', () => {
    const stored = seal(choice(['b:', b]), 'text');
    expect(stored.subarray(0, 2).toString()).toBe('b:');
    expect(open(choice(['a:', a], ['b:', b]), stored)).toEqual({ value: Buffer.from('text'), stale: true });
    expect(open(choice(['b:', b], ['a:', a]), stored).stale).toBe(false);
  });
  it('tries all keys of one name', () => {
    const stored = seal(choice(['x:', b]), 'texts');
    expect(open(choice(['x:', a], ['x:', b]), stored)).toEqual({ value: Buffer.from('texts'), stale: true });
    expect(() => open(choice(['x:', a], ['x:', new AesGcm(key('c'))]), stored)).toThrow(/^cipher: message/);
    expect(() => open(choice(['x:', a], ['x:', new AesCbc(key('c'))]), stored)).toThrow(
      '[cipher: message authentication failed, the stored data is not a multiple of the block size]',
    );
  });
  it('reads what is not encrypted where that is allowed', () => {
    expect(open(choice(['a:', a], ['', identity]), Buffer.from('{}')).stale).toBe(true);
    expect(() => open(choice(['a:', a]), Buffer.from('{}'))).toThrow('no matching prefix found');
    const stored = seal(choice(['k8s:enc:a:', a]), 'text');
    expect(open(choice(['', identity], ['k8s:enc:a:', a]), stored)).toEqual({
      value: Buffer.from('text'),
      stale: true,
    });
    expect(() => open(choice(['', identity]), stored)).toThrow('no matching prefix found');
    expect(() => open(identity, stored)).toThrow('identity transformer tried to read encrypted data');
  });
  it('goes on with the next when one has answered late', async () => {
    const stored = seal(choice(['x:', b]), 'text');
    const late: ValueTransformer = { seal: b.seal.bind(b), open: async (...args) => a.open(...args) };
    expect(await choice(['x:', late], ['x:', b]).open(stored, PATH)).toEqual({
      value: Buffer.from('text'),
      stale: true,
    });
    await expect(choice(['x:', late]).open(stored, PATH)).rejects.toThrow('message authentication failed');
  });
});

/** A build of the providers, and what it is made of. */
async function build(configuration: string, registry = new MetricsRegistry()) {
  return buildProviders(readConfiguration(new ConfigObject(JSON.parse(configuration))), {
    metrics: encryptionMetrics(registry),
    featureEnabled: () => false,
    clock: new ManualClock(0),
    uuid: () => 'uid',
    logger: silentLogger,
  });
}

describe('what kube-apiserver 1.36 has stored', () => {
  const file = new URL('testdata/upstream.json', import.meta.url);
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as {
    configuration: object;
    stored: { resource: string; value: string }[];
  };
  it('is read', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'ke-'));
    const plugin = await startTestPlugin(join(directory, 'kms.sock'));
    const text = JSON.stringify(recorded.configuration).replace('unix:///kms.sock', plugin.endpoint);
    const providers = await build(text);
    for (const { resource, value } of recorded.stored) {
      const path = `/registry/${resource}/default/recorded`;
      const opened = await providers.for({ group: '', resource })!.open(Buffer.from(value, 'base64'), path);
      expect(opened.stale).toBe(false);
      expect(decodeStored(opened.value).object.metadata).toMatchObject({
        name: 'recorded',
        labels: { from: 'upstream' },
      });
    }
    expect(plugin.calls).toEqual({ Status: 1, Encrypt: 1, Decrypt: 1 });
    for (const kms of providers.kms) kms.close();
    plugin.stop();
    await rm(directory, { recursive: true });
  });
});

describe('providers', () => {
  const gcm = (name: string) => ({ aesgcm: keysOf(name, name[0]!) });
  it('are those of the resource, of its group, or of all', async () => {
    const providers = await build(
      configurationOf(
        { resources: ['secrets', 'pandas.bears.example'], providers: [gcm('named')] },
        { resources: ['*.apps'], providers: [gcm('group')] },
        { resources: ['*.*'], providers: [gcm('all')] },
      ),
    );
    const prefix = (group: string, resource: string) =>
      seal(providers.for({ group, resource })!, '').toString('latin1').split(':')[4];
    expect(prefix('', 'secrets')).toBe('named');
    expect(prefix('bears.example', 'pandas')).toBe('named');
    expect(prefix('apps', 'deployments')).toBe('group');
    expect(prefix('', 'configmaps')).toBe('all');
  });
  it('there are none for what is not named', async () => {
    const providers = await build(configurationOf({ resources: ['*.'], providers: [gcm('core')] }));
    expect(providers.for({ group: '', resource: 'pods' })).toBeDefined();
    expect(providers.for({ group: 'apps', resource: 'pods' })).toBeUndefined();
  });
  it.each([
    [['*.'], ['secrets'], 'resource "secrets" is masked by earlier rule "*."'],
    [['*.*'], ['*.apps'], 'resource "*.apps" is masked by earlier rule "*.*"'],
    [['*.apps'], ['deployments.apps'], 'resource "deployments.apps" is masked by earlier rule "*.apps"'],
  ])('%j hides %j', async (first, second, message) => {
    const providers = [{ identity: {} }];
    const configuration = configurationOf({ resources: first, providers }, { resources: second, providers });
    await expect(build(configuration)).rejects.toThrow(message);
  });
  it('do not speak version 1 of the interface of plugins', async () => {
    const kms = { name: 'old', endpoint: 'unix:///x' };
    await expect(build(configurationOf({ resources: ['secrets'], providers: [{ kms }] }))).rejects.toThrow(
      'KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.',
    );
  });
  it('count what they do, under names of upstream', async () => {
    const registry = new MetricsRegistry();
    const providers = await build(configurationOf({ resources: ['secrets'], providers: [gcm('named')] }), registry);
    const secrets = providers.for({ group: '', resource: 'secrets' })!;
    open(secrets, seal(secrets, 'text'));
    const text = await registry.text();
    for (const [direction, prefix] of [
      ['to_storage', 'k8s:enc:aesgcm:v1:'],
      ['from_storage', 'named:'],
    ]) {
      expect(text).toContain(
        `apiserver_storage_transformation_operations_total{resource="secrets",status="OK",transformation_type="${direction}",transformer_prefix="${prefix}"} 1`,
      );
    }
  });
});
