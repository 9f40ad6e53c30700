import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@keelson/api/clock';
import { silentLogger } from '@keelson/component/logs/logger';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openIdDiscovery, serveOpenId } from '../discovery.ts';
import { jwtAuthenticator } from '../jwt.ts';
import { startTokenKeys } from '../start.ts';
import type { TokenKeys } from '../token-keys.ts';
import type { SignerKey } from './messages.ts';
import { startTestSigner, type TestSigner, testKey } from './testing.ts';

const ISSUER = 'https://issuer.example';
const START = Date.UTC(2030, 0, 1);
let directory: string;
let signer: TestSigner;
let clock: ManualClock;
let registry: MetricsRegistry;
let warnings: string[];
const started: TokenKeys[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ks-'));
  signer = await startTestSigner(join(directory, 's.sock'));
  clock = new ManualClock(START);
  registry = new MetricsRegistry();
  warnings = [];
});
afterEach(async () => {
  for (const keys of started.splice(0)) keys.close();
  signer.stop();
  await rm(directory, { recursive: true });
});

async function start(more: { maxExpirationSeconds?: number; extendExpiration?: boolean } = {}): Promise<TokenKeys> {
  const config = { issuers: [ISSUER], keys: { endpoint: join(directory, 's.sock') }, ...more };
  const logger = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) };
  const keys = await startTokenKeys(config, { registry, clock, monotonic: () => 0, logger });
  started.push(keys);
  return keys;
}
const failure = (attempt: Promise<unknown>) => attempt.then(String, (error: Error) => error.message);
const claims = { iss: ISSUER, sub: 'system:serviceaccount:ns:sa', aud: ['a'] };

test('a token is put together of the claims in their order and what the signer makes, and is good', async () => {
  const keys = await start();
  const token = await keys.sign(claims);
  const [header, payload] = token.split('.', 2).map((part) => Buffer.from(part, 'base64url').toString());
  expect(header).toBe('{"alg":"ES256","kid":"key-1","typ":"JWT"}');
  expect(payload).toBe(`{"aud":["a"],"iss":"${ISSUER}","sub":"system:serviceaccount:ns:sa"}`);
  const authenticate = jwtAuthenticator({
    issuers: [ISSUER],
    keys,
    apiAudiences: ['a'],
    validate: async ({ sub = '' }) => ({ identity: { namespace: 'ns', name: sub, uid: 'u' } }),
  });
  expect(await authenticate(token, [])).toMatchObject({ user: { uid: 'u' } });
  await expect(authenticate(`${token.slice(0, -8)}AAAAAAAA`, [])).rejects.toThrow('error in cryptographic primitive');
});

describe('what a signer says of its keys', () => {
  const key = testKey('k');
  const invalid =
    'while setting up external-jwt-signer: while initially filling key cache: while performing initial cache fill: while fetching token verification keys: ';
  test.each<[string, Partial<TestSigner['says']>, string]>([
    ['no hint when to ask again', { refreshHintSeconds: 0 }, 'found invalid refresh hint (0s)'],
    ['none', { keys: [] }, 'found no keys'],
    ['no time', { dataTimestamp: null }, 'invalid data timestamp: proto: invalid nil Timestamp'],
    [
      'a time out of range',
      { dataTimestamp: { seconds: 0, nanos: -1 } },
      'invalid data timestamp: proto: timestamp (seconds:0 nanos:-1) has out-of-range nanos',
    ],
    ['no id', { keys: [{ ...key, keyId: '' }] }, 'found invalid public key id ""'],
    ['a long id', { keys: [{ ...key, keyId: 'x'.repeat(1025) }] }, `found invalid public key id "${'x'.repeat(1025)}"`],
    ['no key', { keys: [{ ...key, key: Buffer.alloc(0) }] }, 'found empty public key'],
  ])('%s', async (_, says, message) => {
    Object.assign(signer.says, says);
    expect(await failure(start())).toBe(invalid + message);
  });

  test('what is no key', async () => {
    signer.says.keys = [{ ...key, key: Buffer.from('x') }];
    expect(await failure(start())).toContain(`${invalid}while parsing external public keys: `);
  });
});

describe('what it signs', () => {
  const header = { alg: 'ES256', kid: 'key-1', typ: 'JWT' };
  const large = 'x'.repeat(1025);
  test.each<[string, Partial<TestSigner['says']>, string]>([
    ['type', { header: { ...header, typ: 'WHAT' } }, 'while validating header: bad type'],
    ['no key', { header: { ...header, kid: '' } }, 'while validating header: key id missing'],
    ['a long id', { header: { ...header, kid: large } }, 'while validating header: key id longer than 1 kb'],
    ['algorithm', { header: { ...header, alg: 'HS256' } }, 'while validating header: bad signing algorithm "HS256"'],
    [
      'a field too many',
      { header: { ...header, jku: 'x' } },
      'while validating header: while parsing header JSON: json: unknown field "jku"',
    ],
    [
      'a number',
      { header: { ...header, kid: 1 } },
      'while validating header: while parsing header JSON: json: cannot unmarshal number into Go struct field .kid of type string',
    ],
    [
      'no base64',
      { header: 'ab=' },
      'while validating header: while unwrapping header: illegal base64 data at input byte 2',
    ],
    ['no signature', { signature: '' }, 'empty signature returned'],
  ])('%s', async (_, says, message) => {
    const keys = await start();
    Object.assign(signer.says, says);
    expect(await failure(keys.sign(claims))).toBe(message);
  });

  test('a key for old tokens alone', async () => {
    const hidden: SignerKey = { ...signer.says.keys[0]!, excludeFromOidcDiscovery: true };
    signer.says.keys = [hidden, testKey('key-2')];
    const keys = await start();
    expect(await failure(keys.sign(claims))).toBe(
      'while validating header: key used for signing JWT (kid: key-1) is excluded from OIDC discovery docs',
    );
    expect((await keys.find('')).map(({ id }) => id)).toEqual(['key-1', 'key-2']);
    expect(keys.published().map(({ id }) => id)).toEqual(['key-2']);
  });

  test('nothing', async () => {
    const keys = await start();
    signer.says.refusal = 'not you';
    expect(await failure(keys.sign(claims))).toBe(
      'while signing jwt: rpc error: code = PermissionDenied desc = not you',
    );
  });
});

describe('how long tokens may live', () => {
  const day = 24 * 3600;
  test.each([
    [{}, 24 * 3600, []],
    [{ extendExpiration: true }, 366 * day, []],
    [
      { extendExpiration: true },
      3600,
      [
        'service-account-extend-token-expiration is true, in order to correctly trigger safe transition logic, token lifetime supported by external-jwt-signer must be longer than 3607 seconds (currently 1h0m0s)',
        'service-account-extend-token-expiration is true, tokens validity will be caped at the smaller of 31536000 seconds and maximum token lifetime supported by external-jwt-signer (1h0m0s)',
      ],
    ],
  ])('%j, signer %d', async (more, max, expected) => {
    signer.says.maxTokenExpirationSeconds = max;
    const keys = await start({ extendExpiration: false, ...more });
    expect(keys.maxTokenSeconds).toBe(max);
    expect(warnings).toEqual(expected);
  });

  test('too short, or shorter than configured', async () => {
    expect(await failure(start({ maxExpirationSeconds: 2 * day }))).toBe(
      'service-account-max-token-expiration cannot be set longer than the token expiration supported by service-account-signing-endpoint: 48h0m0s > 24h0m0s',
    );
    signer.says.maxTokenExpirationSeconds = 599;
    registry = new MetricsRegistry();
    expect(await failure(start())).toBe(
      'max token life supported by external-jwt-signer (599s) is less than acceptable (min 600s)',
    );
  });
});

describe('keys are fetched again', () => {
  test('for a token whose key is not known, once for all who wait', async () => {
    const keys = await start();
    signer.says.keys = [...signer.says.keys, testKey('new')];
    const found = await Promise.all([keys.find('new'), keys.find('new')]);
    expect(found.map((each) => each.map(({ id }) => id))).toEqual([['new'], ['new']]);
    expect(signer.calls.FetchKeys).toBe(2);
    expect(await keys.find('unknown')).toEqual([]);
    signer.says.refreshHintSeconds = -1;
    expect(await keys.find('unknown')).toEqual([]);
    expect(keys.published()).toHaveLength(2);
  });

  test('as often as the signer advises; ten seconds after a failure', async () => {
    const timers = vi.spyOn(clock, 'after');
    const delays = () => timers.mock.calls.map(([ms]) => ms);
    const waited = (...expected: number[]) => expect.poll(delays, { timeout: 20_000 }).toEqual(expected);
    await start();
    clock.advance(19_999);
    expect(delays()).toEqual([20_000]);
    signer.says.refreshHintSeconds = 0;
    clock.advance(1);
    await waited(20_000, 10_000);
    signer.says.refreshHintSeconds = 50;
    clock.advance(10_000);
    await waited(20_000, 10_000, 50_000);
    expect(signer.calls.FetchKeys).toBe(3);
  });

  test('and what others may verify with changes', async () => {
    const keys = await start();
    const options = { issuer: ISSUER, jwksUri: '', externalAddress: 'x:1' };
    const errors: string[] = [];
    const discovery = openIdDiscovery(options, keys, ({ message }) => void errors.push(message));
    const get = (path: string) => serveOpenId(discovery, { method: 'GET', path, headers: {} } as never)!;
    const ids = () => {
      const { keys: all } = JSON.parse(String(get('/openid/v1/jwks').body)) as { keys: { kid: string }[] };
      return all.map(({ kid }) => kid);
    };
    expect(ids()).toEqual(['key-1']);
    clock.advance(5_500);
    expect(get('/openid/v1/jwks').headers).toMatchObject({ 'cache-control': 'public, max-age=14' });
    const [first] = signer.says.keys;
    signer.says.keys = [first!, testKey('key-2')];
    await keys.find('key-2');
    expect(ids()).toEqual(['key-1', 'key-2']);
    const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
    signer.says.keys = [{ keyId: 'ed', key: ed25519, excludeFromOidcDiscovery: false }];
    await keys.find('ed');
    expect(ids()).toEqual(['key-1', 'key-2']);
    expect(errors).toEqual([expect.stringContaining('unknown public key type')]);
  });
});

test('is counted under the names of upstream', async () => {
  const keys = await start();
  await keys.sign(claims);
  signer.says.signature = '';
  await failure(keys.sign(claims));
  signer.says.refreshHintSeconds = 0;
  await keys.find('unknown');
  const text = await registry.text();
  const lines = text.split('\n').filter((line) => /^apiserver_externaljwt_(?!.*_bucket|.*_sum)/.test(line));
  const path = (name: string) => `{code="OK",method="/v1.ExternalJWTSigner/${name}"}`;
  expect(lines.sort()).toEqual(
    [
      'apiserver_externaljwt_fetch_keys_data_timestamp 1000.5',
      'apiserver_externaljwt_fetch_keys_request_total{code="OK"} 1',
      'apiserver_externaljwt_fetch_keys_request_total{code="unknown-non-grpc"} 1',
      `apiserver_externaljwt_fetch_keys_success_timestamp ${START / 1000}`,
      `apiserver_externaljwt_request_duration_seconds_count${path('FetchKeys')} 2`,
      `apiserver_externaljwt_request_duration_seconds_count${path('Metadata')} 1`,
      `apiserver_externaljwt_request_duration_seconds_count${path('Sign')} 2`,
      'apiserver_externaljwt_sign_request_total{code="OK"} 1',
      'apiserver_externaljwt_sign_request_total{code="unknown-non-grpc"} 1',
    ].sort(),
  );
});
