/** Tokens of service accounts that a program outside signs. */
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestSigner, type TestSigner, testKey } from '@keelson/apiserver/authn/serviceaccount/external/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApiServer, storages } from '../support/api-server.ts';
import { untilReady } from '../support/process.ts';
import { servedApi } from '../support/served.ts';

const [{ storage }] = storages.filter(({ skip }) => skip === undefined) as [(typeof storages)[number]];
const KEY = testKey('key-1');
let directory: string;
let signer: TestSigner;

afterAll(async () => {
  signer?.stop();
  await rm(directory, { recursive: true });
});
const api = servedApi(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ks-'));
  signer = await startTestSigner(join(directory, 's.sock'), KEY);
  signer.says.maxTokenExpirationSeconds = 7200;
  return startApiServer(storage, [`--service-account-signing-endpoint=${join(directory, 's.sock')}`]);
});
beforeAll(async () => {
  await api.send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'sa' } });
});

interface Answer extends Record<string, unknown> {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
}

async function send(method: string, path: string, body?: object): Promise<Answer> {
  const { status, body: text, headers } = await api.send(method, path, body);
  return { ...(JSON.parse(text) as Record<string, unknown>), code: status, headers };
}
const tokenOf = (seconds: number) =>
  send('POST', '/api/v1/namespaces/default/serviceaccounts/sa/token', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: seconds },
  });
const whoIs = (token: string) =>
  send('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token },
  });
const tokenIn = ({ status }: Record<string, unknown>) => (status as { token: string }).token;

test('an account is given one, no longer than the signer allows, and it lets him in', async () => {
  const request = await tokenOf(86_400);
  expect(request).toMatchObject({ code: 201, spec: { expirationSeconds: 7200 } });
  expect(request.headers.warning).toContain('requested expiration of 86400 seconds shortened to 7200 seconds');
  const token = tokenIn(request);
  const [header] = token.split('.');
  expect(JSON.parse(Buffer.from(header!, 'base64url').toString())).toEqual({ alg: 'ES256', kid: 'key-1', typ: 'JWT' });
  expect(await whoIs(token)).toMatchObject({
    status: { authenticated: true, user: { username: 'system:serviceaccount:default:sa' } },
  });
});

test('others learn of the keys', async () => {
  const keys = await send('GET', '/openid/v1/jwks');
  expect(keys).toMatchObject({
    code: 200,
    keys: [{ use: 'sig', kty: 'EC', kid: 'key-1', crv: 'P-256', alg: 'ES256' }],
  });
  const [, seconds] = /^public, max-age=(\d+)$/.exec(keys.headers['cache-control'] as string) ?? [];
  expect(Number(seconds)).toBeLessThanOrEqual(20);
  expect(await send('GET', '/.well-known/openid-configuration')).toMatchObject({
    id_token_signing_alg_values_supported: ['ES256'],
  });
});

test('a refusal is told', async () => {
  signer.says.refusal = 'not today';
  expect(await tokenOf(3600)).toMatchObject({
    code: 500,
    message:
      'Internal error occurred: failed to generate token: while signing jwt: rpc error: code = PermissionDenied desc = not today',
  });
  signer.says.refusal = '';
  signer.says.header = { alg: 'none', kid: 'key-1', typ: 'JWT' };
  expect(await tokenOf(3600)).toMatchObject({
    message: 'Internal error occurred: failed to generate token: while validating header: bad signing algorithm "none"',
  });
  signer.says.header = { alg: 'ES256', kid: 'key-1', typ: 'JWT' };
});

test('another key is known with the first token that it has signed', async () => {
  signer.says.keys = [{ ...KEY, keyId: 'key-2' }];
  signer.says.header = { alg: 'ES256', kid: 'key-2', typ: 'JWT' };
  expect(await whoIs(tokenIn(await tokenOf(3600)))).toMatchObject({ status: { authenticated: true } });
  await untilReady(api.server.program, async () => {
    const { keys } = await send('GET', '/openid/v1/jwks');
    return (keys as { kid: string }[]).map(({ kid }) => kid).join() === 'key-2';
  });
  signer.says.header = { alg: 'ES256', kid: 'key-3', typ: 'JWT' };
  expect(await whoIs(tokenIn(await tokenOf(3600)))).toMatchObject({
    status: { error: '[invalid bearer token, invalid signature, no keys found]' },
  });
});

test('the signer is counted', async () => {
  const { body } = await api.send('GET', '/metrics');
  const count = (name: string) => Number(new RegExp(`^apiserver_externaljwt_${name} (.*)$`, 'm').exec(body)?.[1]);
  expect(count('sign_request_total{code="OK"}')).toBe(3);
  expect(count('sign_request_total{code="PermissionDenied"}')).toBe(1);
  expect(count('sign_request_total{code="unknown-non-grpc"}')).toBe(1);
  expect(count('fetch_keys_data_timestamp')).toBe(1000.5);
  expect(count('request_duration_seconds_count{code="OK",method="/v1.ExternalJWTSigner/Metadata"}')).toBe(1);
  expect(count('fetch_keys_request_total{code="OK"}')).toBeGreaterThan(1);
});
