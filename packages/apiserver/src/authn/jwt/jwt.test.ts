import { ManualClock } from '@keelson/api/clock';
import { silentLogger } from '@keelson/component/logs/logger';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TokenAuthenticator } from '../authenticator.ts';
import { checkReachable, type JwtAuthenticators, jwtAuthenticators } from './index.ts';
import { newKey, startIssuer, type TestIssuer } from './testing.ts';
import { SIGNING_ALGORITHMS } from './verifier.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const SECONDS = NOW / 1000;

let issuer: TestIssuer;
let clock: ManualClock;
let registry: MetricsRegistry;
const open: JwtAuthenticators[] = [];

beforeAll(async () => {
  issuer = await startIssuer(SECONDS + 3600);
});
afterAll(() => issuer.server.close());
beforeEach(() => {
  clock = new ManualClock(NOW);
  issuer.server.received.splice(0);
  issuer.headers = {};
});
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

const none = { claim: '', expression: '' };
type Config = Parameters<typeof jwtAuthenticators>[0]['configuration']['jwt'][number];
const configOf = (
  more: Partial<Omit<Config, 'claimMappings'>> & { claimMappings?: Partial<Config['claimMappings']> } = {},
): Config => ({
  issuer: {
    url: issuer.url,
    discoveryURL: '',
    certificateAuthority: issuer.server.ca,
    audiences: ['us'],
    audienceMatchPolicy: '',
    egressSelectorType: '',
    ...more.issuer,
  },
  claimValidationRules: more.claimValidationRules ?? [],
  claimMappings: {
    username: { ...none, claim: 'sub', prefix: 'o:' },
    groups: { ...none, prefix: undefined },
    uid: none,
    extra: [],
    ...more.claimMappings,
  },
  userValidationRules: more.userValidationRules ?? [],
});

const worldOf = () => ({
  registry,
  clock,
  now: () => new Date(clock.now()),
  monotonic: () => performance.now(),
  identity: 'me',
  logger: silentLogger,
  disallowedIssuers: [],
});

async function authenticator(
  config: Config,
  algorithms: readonly string[] = SIGNING_ALGORITHMS,
): Promise<TokenAuthenticator> {
  registry = new MetricsRegistry();
  const all = jwtAuthenticators({ configuration: { jwt: [config] }, algorithms }, worldOf());
  open.push(all);
  // Until the issuer is known.
  await vi.waitFor(async () => {
    const said = await all.authenticate(await issuer.token(), []).then(String, (error: Error) => error.message);
    expect(said).not.toBe('oidc: authenticator not initialized');
  });
  return all.authenticate;
}
const nameAs = (username: string) => ({ username: { ...none, expression: username, prefix: undefined } });
const errorOf = (promise: Promise<unknown>) => promise.then(String, (error: Error) => error.message);

describe('a token', () => {
  it.each<[string, Partial<Config['claimMappings']>, object, object]>([
    ['a claim', {}, {}, { name: 'o:jane', groups: [], uid: '', extra: {} }],
    [
      'claims',
      { groups: { ...none, claim: 'roles', prefix: 'g:' }, uid: { ...none, claim: 'id' } },
      { roles: ['a', 'b'], id: '7', jti: 'x' },
      {
        name: 'o:jane',
        groups: ['g:a', 'g:b'],
        uid: '7',
        extra: { 'authentication.kubernetes.io/credential-id': ['JTI=x'] },
      },
    ],
    ['one group', { groups: { ...none, claim: 'roles', prefix: '' } }, { roles: 'a' }, { groups: ['a'] }],
    ['no group', { groups: { ...none, claim: 'roles', prefix: 'g:' } }, {}, { groups: [] }],
    [
      'expressions',
      {
        ...nameAs("claims.sub + '@' + claims.realm.name"),
        groups: { ...none, expression: "claims.roles.map(r, 'g:' + r)", prefix: undefined },
        uid: { claim: '', expression: 'claims.id' },
        extra: [
          { key: 'example.org/admin', valueExpression: "claims.admin ? 'yes' : ''" },
          { key: 'example.org/teams', valueExpression: "claims['https://example.org/teams']" },
        ],
      },
      { realm: { name: 'r' }, roles: ['a', ''], id: '7', admin: false, 'https://example.org/teams': ['t', ''] },
      { name: 'jane@r', groups: ['g:a', 'g:'], uid: '7', extra: { 'example.org/teams': ['t'] } },
    ],
    [
      'names as they are escaped',
      nameAs('claims.a__dot__b.c__dash__d[0].e__slash__f'),
      { 'a.b': { 'c-d': [{ 'e/f': 'x' }] } },
      { name: 'x' },
    ],
    ['optional claims', nameAs("claims.?nick.orValue('none')"), {}, { name: 'none' }],
    [
      'numbers, which are doubles',
      nameAs('string(claims.exp - claims.iat <= 3600 && type(claims.iat) == double)'),
      { iat: SECONDS },
      { name: 'true' },
    ],
  ])('becomes a user by %s', async (_, claimMappings, claims, user) => {
    const authenticate = await authenticator(configOf({ claimMappings }));
    expect(await authenticate(await issuer.token(claims), [])).toMatchObject({ user });
  });

  it.each<[string, Parameters<typeof configOf>[0], object, string]>([
    ['an audience', {}, { aud: 'them' }, 'oidc: verify token: oidc: expected audience "us" got ["them"]'],
    [
      'an expired one',
      {},
      { exp: SECONDS - 1 },
      'oidc: verify token: oidc: token is expired (Token Expiry: 2026-01-02 03:04:04 +0000 UTC)',
    ],
    [
      'one for ever',
      {},
      { exp: undefined },
      'oidc: verify token: oidc: token is expired (Token Expiry: 0001-01-01 00:00:00 +0000 UTC)',
    ],
    [
      'one of tomorrow',
      {},
      { nbf: SECONDS + 61 },
      'oidc: verify token: oidc: current time 2026-01-02 03:04:05 +0000 UTC before the nbf (not before) time: 2026-01-02 03:05:06 +0000 UTC',
    ],
    ['no name', {}, { sub: undefined }, 'oidc: parse username claims "sub": claim not present'],
    [
      'a name that is none',
      {},
      { sub: 1 },
      'oidc: parse username claims "sub": json: cannot unmarshal number into Go value of type string',
    ],
    [
      'an address that nobody has verified',
      { claimMappings: { username: { ...none, claim: 'email', prefix: '' } } },
      { email: 'a@b', email_verified: false },
      'oidc: email not verified',
    ],
    [
      'groups that are none',
      { claimMappings: { groups: { ...none, claim: 'roles', prefix: '' } } },
      { roles: { a: 1 } },
      'oidc: parse groups claim "roles": json: cannot unmarshal object into Go value of type string',
    ],
    [
      'an expression without a value',
      { claimMappings: nameAs('claims.nope') },
      {},
      "oidc: error evaluating username claim expression: expression 'claims.nope' resulted in error: no such key: nope",
    ],
    ['an empty name', { claimMappings: nameAs("''") }, {}, 'oidc: empty username via CEL expression is not allowed'],
    [
      'a name of another type',
      { claimMappings: nameAs('claims.exp') },
      {},
      'oidc: error evaluating username claim expression: username claim expression must return a string',
    ],
    [
      'a claim that must be there',
      { claimValidationRules: [{ ...none, claim: 'hd', requiredValue: 'x', message: '' }] },
      {},
      'oidc: required claim hd not present in ID token',
    ],
    [
      'a claim that must be another one',
      { claimValidationRules: [{ ...none, claim: 'hd', requiredValue: 'x', message: '' }] },
      { hd: 'y' },
      'oidc: required claim hd value does not match. Got = y, want = x',
    ],
    [
      'a rule for claims',
      {
        claimValidationRules: [
          { claim: '', expression: 'claims.exp - claims.iat <= 60', requiredValue: '', message: 'too long' },
        ],
      },
      { iat: SECONDS },
      "oidc: error evaluating claim validation expression: validation expression 'claims.exp - claims.iat <= 60' failed: too long",
    ],
    [
      'a rule for users',
      { userValidationRules: [{ expression: "!user.username.startsWith('o:j')", message: 'not you' }] },
      {},
      "oidc: error evaluating user info validation rule: validation expression '!user.username.startsWith('o:j')' failed: not you",
    ],
  ])('is refused for %s', async (_, config, claims, message) => {
    const authenticate = await authenticator(configOf(config));
    expect(await errorOf(authenticate(await issuer.token(claims), []))).toBe(message);
  });

  it('of somebody else, or none, is not looked at', async () => {
    const authenticate = await authenticator(configOf());
    const before = await registry.text();
    for (const token of ['x', 'a.b.c', await issuer.token({ iss: 'https://other' })])
      expect(await authenticate(token, [])).toBeUndefined();
    expect(await registry.text()).toBe(before);
  });

  it('is for any of several audiences', async () => {
    const config = configOf({ issuer: { audiences: ['us', 'you'], audienceMatchPolicy: 'MatchAny' } as never });
    const authenticate = await authenticator(config);
    expect(await authenticate(await issuer.token({ aud: ['them', 'you'] }), [])).toBeDefined();
    expect(await errorOf(authenticate(await issuer.token({ aud: ['them'] }), []))).toBe(
      'oidc: verify token: oidc: expected audience in ["us" "you"] got ["them"]',
    );
  });
});

describe('a signature', () => {
  it('of another algorithm is not looked at', async () => {
    const authenticate = await authenticator(configOf(), ['RS256']);
    expect(await errorOf(authenticate(await issuer.token(), []))).toBe(
      'oidc: verify token: oidc: id token signed with unsupported algorithm, expected ["RS256"] got "ES256"',
    );
  });

  it('by nobody is none', async () => {
    const authenticate = await authenticator(configOf());
    const [, payload] = (await issuer.token()).split('.');
    const header = Buffer.from('{"alg":"none"}').toString('base64url');
    expect(await errorOf(authenticate(`${header}.${payload}.`, []))).toContain('got "none"');
    const forged = await issuer.token({ sub: 'admin' }, { ...newKey(), id: issuer.keys[0]!.id });
    expect(await errorOf(authenticate(forged, []))).toBe(
      'oidc: verify token: failed to verify signature: failed to verify id token signature',
    );
  });

  it('by a new key makes the keys be fetched, once for all who wait', async () => {
    const authenticate = await authenticator(configOf());
    const before = issuer.fetches();
    await authenticate(await issuer.token(), []);
    expect(issuer.fetches()).toBe(before);
    issuer.keys = [newKey('rsa'), ...issuer.keys];
    const tokens = await Promise.all([1, 2, 3].map((n) => issuer.token({ n })));
    await Promise.all(tokens.map((token) => authenticate(token, [])));
    expect(issuer.fetches()).toBe(before + 1);
    expect(await registry.text()).toMatch(
      /jwks_fetch_last_key_set_info\{apiserver_id_hash="sha256:.*",hash="sha256:.*",jwt_issuer_hash="sha256:.*"\} 1/,
    );
  });

  it('by a new key does not, while the issuer says that its keys are good', async () => {
    issuer.headers = { 'cache-control': 'public, max-age=3600' };
    const authenticate = await authenticator(configOf());
    const before = issuer.fetches();
    const key = newKey();
    issuer.keys = [key, ...issuer.keys];
    expect(await errorOf(authenticate(await issuer.token(), []))).toContain('failed to verify id token signature');
    expect(issuer.fetches()).toBe(before);
    clock.advance(3600_000 - 30_000 + 1);
    expect(await errorOf(authenticate(await issuer.token({ exp: SECONDS + 7200 }), []))).not.toContain('failed');
    expect(issuer.fetches()).toBe(before + 1);
  });
});

describe('an issuer', () => {
  it('that is not there yet is looked for again', async () => {
    registry = new MetricsRegistry();
    issuer.answers['/found/later'] = { status: 503, body: 'not yet' };
    const config = configOf({ issuer: { discoveryURL: `${issuer.url}/found/later` } as never });
    const all = jwtAuthenticators({ configuration: { jwt: [config] }, algorithms: ['ES256', 'RS256'] }, worldOf());
    open.push(all);
    const token = await issuer.token();
    expect(await errorOf(all.authenticate(token, []))).toBe('oidc: authenticator not initialized');
    await vi.waitFor(() => expect(issuer.server.received.map(({ path }) => path)).toEqual(['/found/later']));
    await new Promise((resolve) => setTimeout(resolve, 20));
    issuer.answers['/found/later'] = { body: JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }) };
    clock.advance(10_000);
    await vi.waitFor(async () => expect(await all.authenticate(token, [])).toBeDefined());
  });

  it('may have the groups elsewhere', async () => {
    const groups = { ...none, claim: 'groups', prefix: 'g:' };
    const authenticate = await authenticator(configOf({ claimMappings: { groups } }));
    issuer.answers['/groups'] = { body: await issuer.token({ groups: ['far'] }) };
    const token = await issuer.token({
      _claim_names: { groups: 'src' },
      _claim_sources: { src: { endpoint: `${issuer.url}/groups`, access_token: 'let-me' } },
    });
    await vi.waitFor(async () => expect(await authenticate(token, [])).toMatchObject({ user: { groups: ['g:far'] } }));
    const asked = issuer.server.received.find(({ path }) => path === '/groups');
    expect(asked?.headers.authorization).toBe('Bearer let-me');
    const nowhere = await issuer.token({ _claim_names: { groups: 'src' }, _claim_sources: {} });
    expect(await errorOf(authenticate(nowhere, []))).toBe(
      'oidc: could not expand distributed claims: id token _claim_names contained a source src missing in _claims_sources',
    );
  });

  it('behind an egress selector can be asked where that says how', () => {
    const config = configOf({ issuer: { egressSelectorType: 'cluster' } as never });
    const check = (egress?: object) => () => checkReachable({ jwt: [configOf(), config] }, egress as never);
    expect(check()).toThrow('oidc: egress lookup required with egress selector type "cluster"');
    expect(check({ has: () => false })).toThrow('oidc: egress lookup for "cluster" is not configured');
    expect(check({ has: () => true })).not.toThrow();
  });
});

it('a file that changes is taken over as soon as its issuers answer', async () => {
  registry = new MetricsRegistry();
  let text = '';
  const listeners: (() => void)[] = [];
  const file = (...jwt: object[]) =>
    JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', jwt });
  const entry = (prefix: string) => ({
    issuer: { url: issuer.url, certificateAuthority: issuer.server.ca, audiences: ['us'] },
    claimMappings: { username: { claim: 'sub', prefix } },
  });
  text = file();
  const all = jwtAuthenticators(
    {
      configuration: { jwt: [] },
      algorithms: SIGNING_ALGORITHMS,
      file: {
        get: () => text,
        onChange: (listener) => {
          listeners.push(listener);
        },
      },
    },
    worldOf(),
  );
  open.push(all);
  const token = await issuer.token();
  const change = async (next: string, status: string) => {
    text = next;
    listeners[0]!();
    const line = new RegExp(`authentication_config_controller_automatic_reloads_total\\{.*status="${status}"\\} 1`);
    await vi.waitFor(async () => expect(await registry.text()).toMatch(line));
  };
  expect(await all.authenticate(token, [])).toBeUndefined();
  await change(file({ issuer: {} }), 'failure');
  await change(file(entry('new:')), 'success');
  expect(await all.authenticate(token, [])).toMatchObject({ user: { name: 'new:jane' } });
});
