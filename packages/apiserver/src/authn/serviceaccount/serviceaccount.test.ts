import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { TokenRequest, TokenReview } from '@keelson/api/generated/types/authentication/v1';
import { signingKey, verificationKey } from '@keelson/component/jwt/keys';
import { sign } from '@keelson/component/jwt/sign';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeObjects } from '../../admission/testing.ts';
import { isEnabledByDefault } from '../../gates.ts';
import { bootstrapTokens } from '../bootstraptoken.ts';
import { buildAuthenticator } from '../build.ts';
import { HeaderValues } from '../headers.ts';
import { AuthenticationMetrics } from '../metrics.ts';
import { reviewSelf, reviewToken } from '../reviews.ts';
import { boundTokenValidator } from './bound.ts';
import { openIdDocuments } from './discovery.ts';
import type { Claims } from './jwt.ts';
import { AccountTokenMetrics } from './metrics.ts';
import { fileKeys } from './token-keys.ts';
import { EXTENDED_SECONDS, issueToken, type TokenIssuer } from './tokenrequest.ts';

const pair = (curve?: string): KeyObject =>
  curve
    ? generateKeyPairSync('ec', { namedCurve: curve }).privateKey
    : generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const RSA = pair();
const EC = pair('P-256');
const PUBLIC = [RSA, EC].map((key) => createPublicKey(key));
const ISSUER = 'https://kubernetes.default.svc';

const metadata = (name: string, uid: string, namespace = 'ns') => ({ name, namespace, uid });
let objects: FakeObjects;
let now: number;
let used: string[];

beforeEach(() => {
  now = Date.parse('2026-01-02T03:04:05.678Z');
  used = [];
  objects = new FakeObjects()
    .put('serviceaccounts', { metadata: metadata('sa', 'sa-uid') })
    .put('pods', { metadata: metadata('p', 'p-uid'), spec: { serviceAccountName: 'sa', nodeName: 'n' } })
    .put('pods', { metadata: metadata('other', 'o-uid'), spec: { serviceAccountName: 'default' } })
    .put('nodes', { metadata: metadata('n', 'n-uid', '') })
    .put('secrets', { metadata: metadata('s', 's-uid') });
});

function issuer(more: Partial<TokenIssuer> = {}): TokenIssuer {
  return {
    issuer: ISSUER,
    keys: fileKeys(RSA, PUBLIC),
    apiAudiences: [ISSUER],
    maxSeconds: 0,
    extendedSeconds: EXTENDED_SECONDS,
    objects,
    now: () => new Date(now),
    uuid: () => 'jti',
    isEnabled: isEnabledByDefault,
    ...more,
  };
}

interface Outcome {
  readonly request: TokenRequest;
  readonly claims: Claims;
  readonly warnings: string[];
  readonly annotations: Record<string, string>;
}

async function issue(spec: object = {}, more: Partial<TokenIssuer> = {}, given: object = {}): Promise<Outcome> {
  const warnings: string[] = [];
  const annotations: Record<string, string> = {};
  const ctx = {
    namespace: 'ns',
    name: 'sa',
    warn: (text: string) => warnings.push(text),
    annotate: (key: string, value: string) => {
      annotations[key] = value;
    },
  };
  const body = { metadata: given, spec } as unknown as TokenRequest;
  const request = await issueToken(issuer(more), ctx, body);
  const claims = JSON.parse(Buffer.from(request.status.token.split('.')[1]!, 'base64url').toString()) as Claims;
  return { request, claims, warnings, annotations };
}

function authenticator(metrics?: AuthenticationMetrics) {
  return buildAuthenticator(
    {
      serviceAccounts: { issuers: [ISSUER], keys: { signing: RSA, verification: PUBLIC } },
      enableBootstrapTokens: true,
      anonymousAuth: true,
    },
    {
      objects,
      keys: fileKeys(RSA, PUBLIC),
      ...(metrics ? { metrics } : {}),
      now: () => new Date(now),
      isEnabled: isEnabledByDefault,
      label: async (secret, key, value) => {
        used.push(`${secret.metadata.name} ${key}=${value}`);
      },
      loopback: new Map([['loopback', { name: 'system:apiserver', uid: '', groups: ['system:masters'], extra: {} }]]),
    },
  );
}

const review = async (token: string, audiences?: string[], by = authenticator()) => {
  const asked = { metadata: {}, spec: { token, ...(audiences ? { audiences } : {}) } } as unknown as TokenReview;
  return (await reviewToken(asked, { authenticate: by, apiAudiences: [ISSUER], admit: async () => {} })).status;
};

describe('issuing', () => {
  test('a token with the defaults', async () => {
    const { request, claims, annotations } = await issue();
    expect(request).toMatchObject({
      metadata: { name: 'sa', namespace: 'ns', uid: 'sa-uid', creationTimestamp: '2026-01-02T03:04:05Z' },
      spec: { audiences: [ISSUER], expirationSeconds: 3600 },
      status: { expirationTimestamp: '2026-01-02T04:04:05Z' },
    });
    const iat = Math.floor(now / 1000);
    expect(Object.entries(claims)).toEqual([
      ['aud', [ISSUER]],
      ['exp', iat + 3600],
      ['iat', iat],
      ['iss', ISSUER],
      ['jti', 'jti'],
      ['kubernetes.io', { namespace: 'ns', serviceaccount: { name: 'sa', uid: 'sa-uid' } }],
      ['nbf', iat],
      ['sub', 'system:serviceaccount:ns:sa'],
    ]);
    expect(annotations).toEqual({ 'authentication.kubernetes.io/issued-credential-id': 'JTI=jti' });
  });

  test.each([
    [
      { kind: 'Pod', apiVersion: 'v1', name: 'p' },
      { pod: { name: 'p', uid: 'p-uid' }, node: { name: 'n', uid: 'n-uid' } },
    ],
    [{ kind: 'Node', apiVersion: 'v1', name: 'n' }, { node: { name: 'n', uid: 'n-uid' } }],
    [{ kind: 'Secret', apiVersion: 'v1', name: 's', uid: 's-uid' }, { secret: { name: 's', uid: 's-uid' } }],
  ])('binds to %j', async (boundObjectRef, bound) => {
    expect((await issue({ boundObjectRef })).claims['kubernetes.io']).toMatchObject(bound);
  });

  test.each([
    [
      { expirationSeconds: 599 },
      'spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
    ],
    [{ expirationSeconds: 4294967297 }, 'may not specify a duration larger than 2^32 seconds'],
    [
      { boundObjectRef: { kind: 'ConfigMap', apiVersion: 'v1', name: 'x' } },
      'cannot bind token to object of type /v1, Kind=ConfigMap',
    ],
    [
      { boundObjectRef: { kind: 'Pod', apiVersion: 'apps/v1', name: 'x' } },
      'cannot bind token to object of type apps/v1, Kind=Pod',
    ],
    [{ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'x' } }, 'pods "x" not found'],
    [{ boundObjectRef: { kind: 'Secret', apiVersion: 'v1' } }, 'Name parameter required.'],
    [
      { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'other' } },
      'cannot bind token for serviceaccount "sa" to pod running with different serviceaccount name.',
    ],
    [
      { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p', uid: 'x' } },
      'Operation cannot be fulfilled on Pod "p": the UID in the bound object reference (x) does not match the UID in record. The object might have been deleted and then recreated',
    ],
  ])('refuses %j', async (spec, message) => {
    await expect(issue(spec)).rejects.toThrow(message);
  });

  test.each([
    [
      { name: 'x' },
      'TokenRequest.authentication.k8s.io "sa" is invalid: metadata.name: Invalid value: "x": must match the service account name if specified',
    ],
    [
      { namespace: 'x' },
      'metadata.namespace: Invalid value: "x": must match the service account namespace if specified',
    ],
    [
      { uid: 'x' },
      'Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "sa": the UID in the token request (x) does not match the UID of the service account (sa-uid)',
    ],
  ])('refuses the metadata %j', async (given, message) => {
    await expect(issue({}, {}, given)).rejects.toThrow(message);
  });

  test('with the UID of another account are warned of where they are not refused', async () => {
    const off = await issue({}, { isEnabled: () => false }, { uid: 'x' });
    const problem = 'the UID in the token request (x) does not match the UID of the service account (sa-uid)';
    expect(off.annotations['authentication.k8s.io/token-request-uid-mismatch']).toBe(problem);
    expect(off.warnings).toEqual([
      `${problem} but TokenRequestServiceAccountUIDValidation is not enabled. In the future, this will return a conflict error`,
    ]);
    expect(off.request.metadata.uid).toBe('x');
  });

  test('shortens what is too long', async () => {
    const { request, warnings } = await issue({ expirationSeconds: 7200 }, { maxSeconds: 4000 });
    expect(request.spec.expirationSeconds).toBe(4000);
    expect(warnings).toEqual(['requested expiration of 7200 seconds shortened to 4000 seconds']);
  });

  test('gives mounted tokens longer, and says when they should have been renewed', async () => {
    const spec = { expirationSeconds: 3607, boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' } };
    const { claims, request } = await issue(spec);
    const iat = Math.floor(now / 1000);
    expect(claims.exp).toBe(iat + 365 * 86_400);
    expect(claims['kubernetes.io']).toMatchObject({ warnafter: iat + 3607 });
    expect(request.status.expirationTimestamp).toBe('2026-01-02T04:04:12Z');
    expect((await issue(spec, { extendedSeconds: 0 })).claims.exp).toBe(iat + 3607);
  });
});

describe('a token', () => {
  const bound = (kind: string, name: string) => ({ boundObjectRef: { kind, apiVersion: 'v1', name } });
  const tokenOf = async (spec: object = {}) => (await issue(spec)).request.status.token;

  test('tells who bears it', async () => {
    expect(await review(await tokenOf(bound('Pod', 'p')))).toEqual({
      authenticated: true,
      audiences: [ISSUER],
      user: {
        username: 'system:serviceaccount:ns:sa',
        uid: 'sa-uid',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'],
        extra: {
          'authentication.kubernetes.io/credential-id': ['JTI=jti'],
          'authentication.kubernetes.io/node-name': ['n'],
          'authentication.kubernetes.io/node-uid': ['n-uid'],
          'authentication.kubernetes.io/pod-name': ['p'],
          'authentication.kubernetes.io/pod-uid': ['p-uid'],
        },
      },
    });
  });

  test('of an EC key is good too', async () => {
    const { request } = await issue({}, { keys: fileKeys(EC, PUBLIC) });
    expect(await review(request.status.token)).toMatchObject({ authenticated: true });
  });

  test('is for its audiences alone', async () => {
    const token = await tokenOf({ audiences: ['vault'] });
    expect(await review(token, ['vault'])).toMatchObject({ authenticated: true, audiences: ['vault'] });
    expect(await review(token)).toEqual({
      user: {},
      error: `[invalid bearer token, token audiences ["vault"] is invalid for the target audiences ["${ISSUER}"]]`,
    });
  });

  test.each<[string, () => Promise<string>, string]>([
    [
      'forged',
      async () => `${(await tokenOf()).slice(0, -4)}AAAA`,
      'go-jose/go-jose: error in cryptographic primitive',
    ],
    [
      'of no known key',
      async () => (await issue({}, { keys: fileKeys(pair('P-384'), PUBLIC) })).request.status.token,
      'invalid signature, no keys found',
    ],
    [
      'of an account that is gone',
      async () =>
        sign(signingKey(RSA), {
          iss: ISSUER,
          aud: [ISSUER],
          'kubernetes.io': { namespace: 'ns', serviceaccount: { name: 'x' } },
        }),
      'serviceaccounts "x" not found',
    ],
  ])('that is %s is refused', async (_, make, error) => {
    expect(await review(await make())).toEqual({ user: {}, error: `[invalid bearer token, ${error}]` });
  });

  test.each<[string, number, string | undefined]>([
    ['just expired', 3600 + 59, undefined],
    ['expired', 3600 + 62, 'service account token has expired'],
    ['not valid yet', -62, 'service account token is not valid yet'],
  ])('%s', async (_, seconds, error) => {
    const token = await tokenOf();
    now += seconds * 1000;
    expect((await review(token)).error).toBe(error && `[invalid bearer token, ${error}]`);
  });

  test('dies with what it is bound to', async () => {
    const pod = await tokenOf(bound('Pod', 'p'));
    const secret = await tokenOf(bound('Secret', 's'));
    objects.put('pods', { metadata: metadata('p', 'new') });
    objects.put('secrets', { metadata: { ...metadata('s', 's-uid'), deletionTimestamp: '2026-01-02T03:00:00Z' } });
    expect((await review(pod)).error).toContain('pod UID (new) does not match service account pod ref claim (p-uid)');
    expect((await review(secret)).error).toContain('service account token has been invalidated');
    objects.put('serviceaccounts', { metadata: metadata('sa', 'new') });
    expect((await review(await tokenOf())).authenticated).toBe(true);
    expect((await review(secret)).error).toContain('service account UID (new) does not match claim (sa-uid)');
  });

  test('that was good stays so for ten seconds', async () => {
    const by = authenticator();
    const token = await tokenOf();
    await review(token, undefined, by);
    objects.put('serviceaccounts', { metadata: metadata('sa', 'new') });
    now += 9_000;
    expect((await review(token, undefined, by)).authenticated).toBe(true);
    now += 2_000;
    expect((await review(token, undefined, by)).authenticated).toBeUndefined();
  });
});

test('how tokens are used is counted: good ones, and those that should have been renewed', async () => {
  const registry = new MetricsRegistry();
  const validate = boundTokenValidator(objects, () => now, new AccountTokenMetrics(registry));
  const claims: Claims = { ...(await issue()).claims, exp: now };
  const { serviceaccount } = claims['kubernetes.io'] as object & { serviceaccount: object };
  const renewal = now / 1000 + 60;
  for (const warnafter of [renewal, undefined, 0]) {
    const claim = { namespace: 'ns', serviceaccount, ...(warnafter === undefined ? {} : { warnafter }) };
    await validate({ ...claims, 'kubernetes.io': claim }, '');
  }
  now += 61_000;
  await validate({ ...claims, 'kubernetes.io': { namespace: 'ns', serviceaccount, warnafter: renewal } }, '');
  const values = (await registry.text()).match(/^serviceaccount_(?:stale|valid)\w+ \d+$/gm);
  expect(values).toEqual(['serviceaccount_stale_tokens_total 1', 'serviceaccount_valid_tokens_total 1']);
});

test('the token of a secret is good while the secret holds it', async () => {
  const claims: Claims = {
    iss: 'kubernetes/serviceaccount',
    sub: 'system:serviceaccount:ns:sa',
    'kubernetes.io/serviceaccount/namespace': 'ns',
    'kubernetes.io/serviceaccount/secret.name': 's',
    'kubernetes.io/serviceaccount/service-account.name': 'sa',
    'kubernetes.io/serviceaccount/service-account.uid': 'sa-uid',
  };
  const token = await sign(signingKey(RSA), claims);
  expect((await review(token)).error).toBe("[invalid bearer token, Token does not match server's copy]");
  const data = { token: Buffer.from(token).toString('base64') };
  objects.put('secrets', { metadata: metadata('s', 's-uid'), data });
  expect((await review(token)).user.username).toBe('system:serviceaccount:ns:sa');
  expect(used).toEqual(['s kubernetes.io/legacy-token-last-used=2026-01-02']);
  const labels = { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' };
  objects.put('secrets', { metadata: { ...metadata('s', 's-uid'), labels }, data });
  const registry = new MetricsRegistry();
  const by = authenticator(new AuthenticationMetrics(registry, () => now));
  expect((await review(token, undefined, by)).error).toContain('has been marked invalid');
  const text = await registry.text();
  expect(text).toContain('serviceaccount_invalid_legacy_auto_token_uses_total 1\n');
  expect(text).toContain('serviceaccount_legacy_tokens_total 1\n');
});

describe('a bootstrap token', () => {
  const data = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).map(([k, v]) => [k, Buffer.from(v).toString('base64')]));
  const good = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true' };
  const userOf = async (values: Record<string, string>, type = 'bootstrap.kubernetes.io/token') => {
    objects.put('secrets', {
      metadata: metadata('bootstrap-token-abcdef', 'u', 'kube-system'),
      type,
      data: data(values),
    });
    return (await bootstrapTokens(objects, () => now)('abcdef.0123456789abcdef', []))?.user;
  };

  test('names its user and groups', async () => {
    const groups = 'system:bootstrappers:z,system:bootstrappers:a';
    expect(await userOf({ ...good, 'auth-extra-groups': groups, expiration: '2026-01-02T03:04:06Z' })).toMatchObject({
      name: 'system:bootstrap:abcdef',
      groups: ['system:bootstrappers', 'system:bootstrappers:a', 'system:bootstrappers:z'],
    });
  });
  test.each<Record<string, string>>([
    { 'token-secret': 'x' },
    { 'token-id': 'x' },
    { 'usage-bootstrap-authentication': 'no' },
    { expiration: '2026-01-02T03:04:05Z' },
    { expiration: 'nonsense' },
    { 'auth-extra-groups': 'system:masters' },
  ])('with %j is none', async (bad) => {
    expect(await userOf({ ...good, ...bad })).toBeUndefined();
  });
  test('needs the right type', async () => {
    expect(await userOf(good, 'Opaque')).toBeUndefined();
  });
});

test('the keys are published', () => {
  const keys = PUBLIC.map(verificationKey);
  const documents = openIdDocuments({ issuer: ISSUER, jwksUri: '', externalAddress: '10.0.0.1:6443', keys });
  expect(JSON.parse(documents['/.well-known/openid-configuration']!.body)).toEqual({
    issuer: ISSUER,
    jwks_uri: 'https://10.0.0.1:6443/openid/v1/jwks',
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256', 'RS256'],
  });
  const { contentType, body } = documents['/openid/v1/jwks']!;
  expect(contentType).toBe('application/jwk-set+json');
  const [rsa, ec] = (JSON.parse(body) as { keys: Record<string, string>[] }).keys;
  expect(Object.keys(rsa!)).toEqual(['use', 'kty', 'kid', 'alg', 'n', 'e']);
  expect(Object.keys(ec!)).toEqual(['use', 'kty', 'kid', 'crv', 'alg', 'x', 'y']);
  expect(() => openIdDocuments({ issuer: 'http://x', jwksUri: '', externalAddress: 'x', keys })).toThrow(
    'must use https',
  );
});

test('reviews: the server itself, nobody, and oneself', async () => {
  expect(await review('loopback')).toMatchObject({ user: { username: 'system:apiserver' } });
  expect(await review('nope')).toEqual({ user: {}, error: 'invalid bearer token' });
  await expect(review('')).rejects.toThrow('token is required for TokenReview in authentication');
  const nobody = await authenticator()({ headers: HeaderValues.of({}), path: '/', audiences: [ISSUER] });
  expect(nobody!.user.name).toBe('system:anonymous');
  expect(reviewSelf({ name: 'alice', uid: '', groups: ['g'], extra: { b: ['1'], a: [] } }, new Date(now))).toEqual({
    kind: 'SelfSubjectReview',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { creationTimestamp: '2026-01-02T03:04:05Z' },
    status: { userInfo: { username: 'alice', groups: ['g'], extra: { a: [], b: ['1'] } } },
  });
});
