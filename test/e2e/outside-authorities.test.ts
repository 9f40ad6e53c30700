/**
 * Others decide who somebody is and what he may, and are told what became of it: an issuer of JSON Web Tokens, and webhooks
 * for tokens, access and audit. All of it holds for kube-apiserver, too (KUBE_APISERVER).
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newKey, startIssuer, type TestIssuer } from '@keelson/apiserver/authn/jwt/testing';
import { type Said, startTestServer, type TestServer } from '@keelson/apiserver/webhook/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type ApiClient, apiClient } from '../support/api-client.ts';
import { type ApiServer, startApiServer, storages } from '../support/api-server.ts';

interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: {
    readonly token?: string;
    readonly user?: string;
    readonly resourceAttributes?: { readonly namespace?: string; readonly name?: string };
  };
}
interface AuditEvent {
  readonly stage: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly annotations: Readonly<Record<string, string>>;
}

let root: string;
let issuer: TestIssuer;
let hooks: TestServer;
let server: ApiServer;
const clients: ApiClient[] = [];
/** What the webhook says of access, by the object's name. */
const decisions: Record<string, Said> = {};
const file = (name: string) => join(root, name);

const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};

const authentication = (prefix: string) => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'AuthenticationConfiguration',
  anonymous: { enabled: true, conditions: [{ path: '/livez' }, { path: '/readyz' }] },
  jwt: [
    {
      issuer: { url: issuer.url, certificateAuthority: issuer.server.ca, audiences: ['us'] },
      claimValidationRules: [{ expression: "claims.?realm.orValue('') == 'test'", message: 'of another realm' }],
      claimMappings: {
        username: { expression: `'${prefix}' + claims.sub` },
        groups: { claim: 'groups', prefix: 'oidc:' },
        uid: { claim: 'id' },
        extra: [{ key: 'example.org/team', valueExpression: "claims['team']" }],
      },
      userValidationRules: [{ expression: "!user.username.contains('system:')", message: 'a name of the system' }],
    },
  ],
});

const authorization = (...more: object[]) => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'AuthorizationConfiguration',
  authorizers: [
    {
      type: 'Webhook',
      name: 'hook.example',
      webhook: {
        timeout: '3s',
        subjectAccessReviewVersion: 'v1',
        matchConditionSubjectAccessReviewVersion: 'v1',
        failurePolicy: 'Deny',
        connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: file('authorize.yaml') },
        matchConditions: [
          { expression: "has(request.resourceAttributes) && request.resourceAttributes.namespace == 'asked'" },
        ],
      },
    },
    { type: 'Node', name: 'node' },
    { type: 'RBAC', name: 'rbac' },
    ...more,
  ],
});

const json = (body: object): Said => ({ body: JSON.stringify(body) });

function hook({ path, body }: { readonly path: string; readonly body: string }): Said | undefined {
  if (path.startsWith('/audit?')) return json({});
  const { apiVersion, kind, spec } = JSON.parse(body) as Review;
  if (path.startsWith('/authorize?'))
    return decisions[spec.resourceAttributes?.name ?? ''] ?? json({ apiVersion, kind, status: { allowed: false } });
  const known = spec.token === 'known-outside';
  const user = { username: 'ann', groups: ['friends'] };
  return json({ apiVersion, kind, status: known ? { authenticated: true, user } : { authenticated: false } });
}
const decide = (status: object): Said =>
  json({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', status });

const put = (name: string, content: object | string) =>
  writeFile(file(name), typeof content === 'string' ? content : JSON.stringify(content));

function client(token: string): ApiClient {
  const made = apiClient(server.url, token);
  clients.push(made);
  return made;
}

async function whoIs(token: string): Promise<unknown> {
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const { status, body } = await client(token).send('POST', path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'SelfSubjectReview',
  });
  return status === 201 ? (JSON.parse(body) as { status: { userInfo: unknown } }).status.userInfo : status;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'keelson-outside-'));
  issuer = await startIssuer(Math.floor(Date.now() / 1000) + 3600);
  hooks = await startTestServer(hook);
  for (const name of ['authorize', 'authenticate', 'audit'])
    await put(
      `${name}.yaml`,
      `apiVersion: v1\nkind: Config\n${hooks.kubeconfig(`/${name}`, 'token: hook-token').trim()}\n`,
    );
  await put('policy.yaml', AUDIT_POLICY);
  await put('authentication.yaml', authentication('oidc:'));
  await put('authorization.yaml', authorization());
  server = await startApiServer(storages[0]!.storage === 'etcd' ? 'etcd' : 'memory', [
    `--authentication-config=${file('authentication.yaml')}`,
    `--authentication-token-webhook-config-file=${file('authenticate.yaml')}`,
    '--authentication-token-webhook-version=v1',
    `--authorization-config=${file('authorization.yaml')}`,
    `--audit-policy-file=${file('policy.yaml')}`,
    `--audit-webhook-config-file=${file('audit.yaml')}`,
    '--audit-webhook-batch-max-wait=200ms',
  ]);
}, 60_000);
afterAll(async () => {
  for (const each of clients) each.close();
  await server?.stop();
  await issuer.server.close();
  await hooks.close();
  await rm(root, { recursive: true });
});

test('a token of the issuer is a user', async () => {
  const claims = { realm: 'test', groups: ['dev', 'ops'], id: '7', team: ['red', ''], jti: 'x1' };
  const token = await issuer.token(claims);
  await vi.waitFor(
    async () =>
      expect(await whoIs(token)).toEqual({
        username: 'oidc:jane',
        uid: '7',
        groups: ['oidc:dev', 'oidc:ops', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': ['JTI=x1'], 'example.org/team': ['red'] },
      }),
    { timeout: 15_000, interval: 500 },
  );
});

test('a token that is not good says why to those who may know', async () => {
  const errorOf = async (claims: object) => {
    const spec = { token: await issuer.token(claims) };
    const { body } = await client(server.token).send('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec,
    });
    return (JSON.parse(body) as { status: { error?: string } }).status.error;
  };
  const good = { realm: 'test', id: '7', team: '' };
  expect(await errorOf({ ...good, realm: 'other' })).toBe(
    "[invalid bearer token, oidc: error evaluating claim validation expression: validation expression 'claims.?realm.orValue('') == 'test'' failed: of another realm]",
  );
  expect(await errorOf({ ...good, aud: 'them' })).toBe(
    '[invalid bearer token, oidc: verify token: oidc: expected audience "us" got ["them"]]',
  );
  expect(await errorOf({ ...good, sub: 'system:x' })).toBe(
    "[invalid bearer token, oidc: error evaluating user info validation rule: validation expression '!user.username.contains('system:')' failed: a name of the system]",
  );
  expect(await errorOf({ ...good, id: undefined })).toBe(
    '[invalid bearer token, oidc: parse uid claim "id": claim not present]',
  );
  expect(await errorOf({ ...good, exp: 1 })).toMatch(
    /^\[invalid bearer token, oidc: verify token: oidc: token is expired \(Token Expiry: 1970-01-01 /,
  );
  expect(await errorOf({ realm: 'test', id: '7' })).toBe(
    "[invalid bearer token, expression 'claims['team']' resulted in error: no such key: team]",
  );
});

test('the issuer may have new keys at any time', async () => {
  const claims = { realm: 'test', id: '8', team: '' };
  const forged = await issuer.token(claims, newKey());
  expect(await whoIs(forged)).toBe(401);
  issuer.keys = [newKey('rsa'), ...issuer.keys];
  expect(await whoIs(await issuer.token(claims))).toMatchObject({ username: 'oidc:jane', uid: '8' });
});

test('a token that only the webhook knows is a user', async () => {
  expect(await whoIs('known-outside')).toEqual({ username: 'ann', groups: ['friends', 'system:authenticated'] });
  expect(await whoIs('known-nowhere')).toBe(401);
  const asked = hooks.received.filter(({ path }) => path.startsWith('/authenticate?'));
  expect(asked[0]?.headers.authorization).toBe('Bearer hook-token');
});

test('anonymous requests are where the configuration says', async () => {
  const anonymous = (path: string) => client('').send('GET', path, undefined, { authorization: '' });
  expect((await anonymous('/livez')).status).toBe(200);
  expect((await anonymous('/version')).status).toBe(401);
});

test('the webhook decides about what it is asked', async () => {
  const get = (namespace: string, name: string) =>
    client('known-outside').send('GET', `/api/v1/namespaces/${namespace}/configmaps/${name}`);
  const messageOf = ({ body }: { body: string }) => (JSON.parse(body) as { message: string }).message;
  decisions.fine = decide({ allowed: true });
  decisions.no = decide({ allowed: false, denied: true, reason: 'not today' });
  decisions.both = decide({ allowed: true, denied: true });
  decisions.broken = { status: 400, headers: { 'content-type': 'text/plain' }, body: 'broken' };
  const fine = await get('asked', 'fine');
  expect([fine.status, messageOf(fine)]).toEqual([404, 'configmaps "fine" not found']);
  const who = 'User "ann" cannot get resource "configmaps" in API group "" in the namespace';
  const no = await get('asked', 'no');
  expect([no.status, messageOf(no)]).toEqual([403, `configmaps "no" is forbidden: ${who} "asked": not today`]);
  const both = await get('asked', 'both');
  expect([both.status, both.headers['content-type'], both.body]).toEqual([
    500,
    'text/plain; charset=utf-8',
    'Internal Server Error: "/api/v1/namespaces/asked/configmaps/both": webhook subject access review returned both allow and deny response\n',
  ]);
  const broken = await get('asked', 'broken');
  expect([broken.status, broken.body]).toEqual([
    500,
    'Internal Server Error: "/api/v1/namespaces/asked/configmaps/broken": the server rejected our request for an unknown reason\n',
  ]);
  const elsewhere = await get('elsewhere', 'fine');
  expect([elsewhere.status, messageOf(elsewhere)]).toEqual([403, `configmaps "fine" is forbidden: ${who} "elsewhere"`]);
  // The same question is not asked twice.
  await get('asked', 'fine');
  const asked = hooks.received.filter(({ path }) => path.startsWith('/authorize?'));
  const names = asked.map(({ body }) => (JSON.parse(body) as Review).spec.resourceAttributes?.name);
  expect(names.filter((name) => name === 'fine')).toHaveLength(1);
  expect(names.filter((name) => name === 'broken')).toHaveLength(1);
});

test('events go to the webhook', async () => {
  await client('known-outside').send('GET', '/api/v1/namespaces/asked/configmaps/fine?audited=1');
  const events = () =>
    hooks.received
      .filter(({ path }) => path === '/audit?timeout=30s')
      .flatMap(({ body }) => (JSON.parse(body) as { items: AuditEvent[] }).items);
  const found = await vi.waitFor(() => {
    const event = events().find(({ requestURI }) => requestURI.includes('audited=1'));
    expect(event).toBeDefined();
    return event!;
  });
  expect(found).toMatchObject({
    stage: 'ResponseComplete',
    user: { username: 'ann' },
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
  });
  expect(found).not.toHaveProperty('kind');
});

test('what was decided is counted', async () => {
  const { body } = await client(server.token).send('GET', '/metrics');
  for (const line of [
    /^apiserver_authorization_decisions_total\{decision="allowed",name="hook.example",type="Webhook"\} [1-9]/m,
    /^apiserver_authorization_decisions_total\{decision="denied",name="hook.example",type="Webhook"\} [1-9]/m,
    /^apiserver_authorization_match_condition_exclusions_total\{name="hook.example",type="Webhook"\} [1-9]/m,
    /^apiserver_authorization_webhook_evaluations_total\{name="hook.example",result="error"\} 1$/m,
    /^apiserver_authorization_config_controller_last_config_info\{apiserver_id_hash="sha256:[0-9a-f]{64}",hash="sha256:[0-9a-f]{64}"\} 1$/m,
    /^apiserver_authentication_jwt_authenticator_latency_seconds_count\{jwt_issuer_hash="sha256:[0-9a-f]{64}",result="success"\} [1-9]/m,
    /^apiserver_authentication_jwt_authenticator_jwks_fetch_last_key_set_info\{.*\} 1$/m,
    /^authentication_attempts\{result="error"\} [1-9]/m,
    /^authentication_token_cache_request_total\{status="hit"\} [1-9]/m,
    /^authorization_attempts_total\{result="error"\} 2$/m,
    /^apiserver_audit_event_total [1-9]/m,
    /^apiserver_audit_level_total\{level="Metadata"\} [1-9]/m,
  ])
    expect(body).toMatch(line);
});

test('files that change are taken over, but for what is wrong in them', async () => {
  await put('authorization.yaml', { ...authorization(), authorizers: [] });
  await put('authentication.yaml', authentication('new:'));
  const token = await issuer.token({ realm: 'test', id: '9', team: '' });
  const soon = { timeout: 75_000, interval: 1000 };
  await vi.waitFor(async () => expect(await whoIs(token)).toMatchObject({ username: 'new:jane' }), soon);
  await put('authorization.yaml', authorization({ type: 'AlwaysAllow', name: 'alwaysallow' }));
  const get = () => client('known-outside').send('GET', '/api/v1/namespaces/elsewhere/configmaps/new');
  await vi.waitFor(async () => expect((await get()).status).toBe(404), soon);
  const { body } = await client(server.token).send('GET', '/metrics');
  expect(body).toMatch(
    /^apiserver_authorization_config_controller_automatic_reloads_total\{.*status="failure"\} [1-9]/m,
  );
  expect(body).toMatch(/^apiserver_authorization_config_controller_automatic_reloads_total\{.*status="success"\} 1$/m);
  expect(body).toMatch(/^apiserver_authentication_config_controller_automatic_reloads_total\{.*status="success"\} 1$/m);
}, 160_000);
