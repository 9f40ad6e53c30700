import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@keelson/api/clock';
import { silentLogger } from '@keelson/component/logs/logger';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encryptionMetrics } from '../testing.ts';
import { joined } from '../transformer.ts';
import { decodeEncryptedObject, problemOfKeyId } from './encrypted-object.ts';
import { Envelope } from './envelope.ts';
import { connectPlugin, type KmsPlugin } from './plugin.ts';
import { startTestPlugin, type TestPlugin } from './testing.ts';
import { WriteKeys } from './write-key.ts';

const PATH = '/registry/secrets/a/b';
let directory: string;
let plugin: TestPlugin;
let client: KmsPlugin;
let clock: ManualClock;
let registry: MetricsRegistry;
let keys: WriteKeys;
const envelope = () =>
  new Envelope({ name: 'p', plugin: client, keys, metrics: encryptionMetrics(), uuid: () => 'uid' });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ke-'));
  plugin = await startTestPlugin(join(directory, 'kms.sock'));
  clock = new ManualClock(Date.UTC(2030, 0, 1));
  registry = new MetricsRegistry();
  const metrics = encryptionMetrics(registry);
  client = connectPlugin({ name: 'p', endpoint: plugin.endpoint, timeoutMs: 2_000, metrics });
  keys = new WriteKeys({ name: 'p', plugin: client, metrics, clock, uuid: () => 'uid', logger: silentLogger });
});
afterEach(async () => {
  keys.stop();
  client.close();
  plugin.stop();
  await rm(directory, { recursive: true });
});

const sealed = (envelope: Envelope) => Buffer.from(joined(envelope.seal(Buffer.from('text'), PATH)));

it('asks the plugin once for each of its keys, and takes a new data key with each', async () => {
  await keys.start();
  const first = envelope();
  const stored = [sealed(first), sealed(first)];
  expect(plugin.calls).toEqual({ Status: 1, Encrypt: 1, Decrypt: 0 });
  expect(decodeEncryptedObject(stored[0]!)).toMatchObject({ keyId: 'key-1', encryptedDEKSourceType: 1 });
  expect(first.open(stored[0]!, PATH)).toEqual({ value: Buffer.from('text'), stale: false });

  const restarted = envelope();
  expect(await Promise.all(stored.map((each) => restarted.open(each, PATH)))).toHaveLength(2);
  expect(restarted.open(stored[1]!, PATH)).toMatchObject({ stale: false });
  expect(plugin.calls.Decrypt).toBe(1);

  plugin.keyId = 'key-2';
  clock.advance(21_000);
  await keys.check();
  expect(plugin.calls).toEqual({ Status: 2, Encrypt: 2, Decrypt: 1 });
  expect(restarted.open(stored[0]!, PATH)).toMatchObject({ stale: true });
  expect(restarted.open(sealed(restarted), PATH)).toMatchObject({ stale: false });
});

it('writes for three minutes after the plugin was well, and reads for ever', async () => {
  await keys.start();
  const kms = envelope();
  const stored = sealed(kms);
  plugin.healthz = 'on fire';
  plugin.keyId = '';
  clock.advance(180_000);
  await expect(keys.check()).rejects.toThrow(
    'kmsv2 Provider p is not healthy, error: [got unexpected healthz status: on fire, got invalid KMSv2 KeyID hash "": keyID is empty]',
  );
  expect(() => sealed(kms)).not.toThrow();
  clock.advance(1);
  expect(() => sealed(kms)).toThrow(
    /^encryptedDEKSource with keyID hash "sha256:\w{64}" expired at 2030-01-01T00:03:00Z/,
  );
  expect(kms.open(stored, PATH)).toMatchObject({ value: Buffer.from('text') });
  expect(await registry.text()).toContain('invalid_key_id_from_status_total{error="empty",provider_name="p"} 1');
});

it('remembers a failure for three seconds, then asks again', async () => {
  plugin.version = 'v1beta1';
  await keys.start();
  await expect(keys.check()).rejects.toThrow('expected KMSv2 API version v2, got v1beta1');
  expect(plugin.calls.Status).toBe(1);
  plugin.version = 'v2';
  clock.advance(3_000);
  await keys.check();
  expect(plugin.calls.Status).toBe(2);
});

it('waits for a plugin that is not there, but not longer than it is told to', async () => {
  plugin.stop();
  const metrics = encryptionMetrics();
  const late = connectPlugin({ name: 'late', endpoint: `unix://${directory}/no.sock`, timeoutMs: 300, metrics });
  const nobody = new WriteKeys({
    name: 'late',
    plugin: late,
    metrics,
    clock,
    uuid: () => 'uid',
    logger: silentLogger,
  });
  await expect(nobody.check()).rejects.toThrow(
    'failed to perform status section of the healthz check for KMS Provider late, error: rpc error: code = DeadlineExceeded desc = context deadline exceeded',
  );
  await expect(nobody.check()).rejects.toThrow(/^rpc error: code = DeadlineExceeded desc = context deadline exceeded$/);
  expect(() => nobody.writable).toThrow('got unexpected nil transformer');
  nobody.stop();
  late.close();
});

it('takes no data key that belongs to another key than the plugin says', async () => {
  const liar: KmsPlugin = {
    ...client,
    encrypt: async (...args) => ({ ...(await client.encrypt(...args)), keyId: 'x' }),
  };
  const options = {
    name: 'p',
    plugin: liar,
    metrics: encryptionMetrics(),
    clock,
    uuid: () => 'uid',
    logger: silentLogger,
  };
  await expect(new WriteKeys(options).check()).rejects.toThrow(
    /failed to rotate DEK uid="uid", useSeed=true, errState=got unexpected nil transformer, errGen=<nil>, statusKeyIDHash="sha256:/,
  );
});

it('says in words of upstream what the plugin refused', async () => {
  await keys.start();
  const stored = sealed(envelope());
  const object = decodeEncryptedObject(stored);
  const { encodeEncryptedObject } = await import('./encrypted-object.ts');
  const strange = encodeEncryptedObject({ ...object, annotations: {} });
  await expect(envelope().open(strange, PATH)).rejects.toThrow(
    'failed to decrypt DEK, error: rpc error: code = InvalidArgument desc = annotations are missing',
  );
});

it.each([
  ['', 'keyID is empty'],
  ['k'.repeat(1024), undefined],
  ['k'.repeat(1025), 'keyID is 1025 bytes, which exceeds the max size of 1024'],
])('a key id of %# …', (keyId, problem) => expect(problemOfKeyId(keyId)?.message).toBe(problem));
