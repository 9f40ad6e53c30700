import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock, systemClock } from '@keelson/api/clock';
import { silentLogger } from '@keelson/component/logs/logger';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Said, startTestServer, type TestServer } from '../webhook/testing.ts';
import { nonResourceAttributes, resourceAttributes } from './attributes.ts';
import { buildAuthorization } from './build.ts';
import type { WebhookConfig } from './configuration.ts';
import { selectorAttributes } from './selectors.ts';

const user = { name: 'bob', uid: 'b1', groups: ['devs'], extra: { k: ['v'] } };
const asked = resourceAttributes({ user, verb: 'get', resource: 'pods', namespace: 'x', name: 'p', apiVersion: 'v1' });
const answer = (status: object, version = 'v1'): Said => ({
  body: JSON.stringify({ apiVersion: `authorization.k8s.io/${version}`, kind: 'SubjectAccessReview', status }),
});

let directory: string;
let server: TestServer;
let answers: (Said | undefined)[];
let registry: MetricsRegistry;
const clock = new ManualClock(1_000_000);

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'keelson-authz-'));
  answers = [];
  server = await startTestServer(() => (answers.length > 1 ? answers.shift() : answers[0]));
  writeFileSync(join(directory, 'hook.yaml'), server.kubeconfig('/authorize', 'token: secret'));
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

function authorization(more: Partial<WebhookConfig> = {}) {
  const webhook: WebhookConfig = {
    authorizedTtlMs: 10_000,
    unauthorizedTtlMs: 1_000,
    timeoutMs: 5_000,
    version: 'v1',
    failurePolicy: 'NoOpinion',
    kubeConfigFile: join(directory, 'hook.yaml'),
    matchConditions: [],
    ...more,
  };
  registry = new MetricsRegistry();
  return buildAuthorization(
    { configuration: [{ type: 'Webhook', name: 'hook', webhook }] },
    {
      provided: {},
      registry,
      monotonic: () => performance.now(),
      identity: 'me',
      now: () => new Date(clock.now()),
      logger: silentLogger,
      clock: { now: () => clock.now(), after: (ms, callback) => systemClock.after(ms / 100, callback) },
      random: () => 0,
    },
  );
}

describe('a webhook', () => {
  it('is asked in the form of its version', async () => {
    answers = [answer({ allowed: true, reason: 'ok' })];
    const selectors = selectorAttributes('metadata.name=z,a!=b', 'a in (b,c),d,!e');
    expect(await authorization().authorize({ ...asked, ...selectors })).toEqual({ decision: 'allow', reason: 'ok' });
    expect(server.received[0]).toMatchObject({
      path: '/authorize?timeout=5s',
      headers: { authorization: 'Bearer secret' },
      body: '{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","metadata":{},"spec":{"resourceAttributes":{"namespace":"x","verb":"get","version":"v1","resource":"pods","name":"p","fieldSelector":{"requirements":[{"key":"a","operator":"NotIn","values":["b"]},{"key":"metadata.name","operator":"In","values":["z"]}]},"labelSelector":{"requirements":[{"key":"a","operator":"In","values":["b","c"]},{"key":"d","operator":"Exists"},{"key":"e","operator":"DoesNotExist"}]}},"user":"bob","groups":["devs"],"extra":{"k":["v"]},"uid":"b1"},"status":{"allowed":false}}\n',
    });
    answers = [answer({ allowed: false }, 'v1beta1')];
    const path = nonResourceAttributes(user, 'get', '/x');
    expect(await authorization({ version: 'v1beta1' }).authorize(path)).toEqual({ decision: 'no-opinion', reason: '' });
    expect(server.received[1]!.body).toBe(
      '{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1beta1","metadata":{},"spec":{"nonResourceAttributes":{"path":"/x","verb":"get"},"user":"bob","group":["devs"],"extra":{"k":["v"]},"uid":"b1"},"status":{"allowed":false}}\n',
    );
  });

  it.each<[object, object]>([
    [
      { allowed: false, denied: true, reason: 'no' },
      { decision: 'deny', reason: 'no' },
    ],
    [
      { allowed: true, denied: true, reason: 'why' },
      {
        decision: 'deny',
        reason: 'why',
        error: new Error('webhook subject access review returned both allow and deny response'),
      },
    ],
  ])('that says %j', async (status, decision) => {
    answers = [answer(status)];
    expect(await authorization().authorize(asked)).toEqual(decision);
  });

  it.each<[string, Said | undefined, string, number]>([
    [
      'another version',
      answer({ allowed: true }, 'v1beta1'),
      'converting (v1beta1.SubjectAccessReview) to (v1.SubjectAccessReview): unknown conversion',
      1,
    ],
    [
      'what is no yes',
      answer({ allowed: 'false' } as object),
      'json: cannot unmarshal string into Go struct field SubjectAccessReviewStatus.status.allowed of type bool',
      1,
    ],
    [
      'a refusal',
      { status: 400, headers: { 'content-type': 'text/plain' }, body: 'bad' },
      'the server rejected our request for an unknown reason',
      1,
    ],
    [
      'a failure',
      { status: 500, headers: { 'content-type': 'text/plain' }, body: 'oops' },
      'an error on the server ("oops") has prevented the request from succeeding',
      5,
    ],
    ['nothing', undefined, 'EOF', 1],
  ])('that answers with %s counts as the policy says', async (_, said, message, attempts) => {
    answers = [said];
    const silent = await authorization().authorize(asked);
    expect(silent).toMatchObject({ decision: 'no-opinion', error: { message: expect.stringContaining(message) } });
    expect(server.received).toHaveLength(attempts);
    expect(await registry.text()).toContain(
      'apiserver_authorization_webhook_evaluations_fail_open_total{name="hook",result="error"} 1',
    );
    expect(await authorization({ failurePolicy: 'Deny' }).authorize(asked)).toMatchObject({ decision: 'deny' });
    expect(await registry.text()).not.toContain('fail_open_total{');
  });

  it('that takes too long', async () => {
    answers = [undefined];
    await server.close();
    server = await startTestServer(() => new Promise(() => {}));
    writeFileSync(join(directory, 'hook.yaml'), server.kubeconfig('/'));
    const { error } = await authorization({ timeoutMs: 50 }).authorize(asked);
    expect(error!.message).toBe(
      `Post "${server.url}/?timeout=50ms": net/http: request canceled (Client.Timeout exceeded while awaiting headers)`,
    );
    expect(await registry.text()).toContain(
      'apiserver_authorization_webhook_evaluations_total{name="hook",result="timeout"} 1',
    );
  });

  it('is not asked again for a while, but about what is very long', async () => {
    answers = [answer({ allowed: true })];
    const { authorize } = authorization();
    await authorize(asked);
    expect(authorize(asked)).toEqual({ decision: 'allow', reason: '' });
    clock.advance(10_001);
    await authorize(asked);
    expect(server.received).toHaveLength(2);
    const long = { ...asked, name: 'x'.repeat(10_000) };
    await authorize(long);
    await authorize(long);
    expect(server.received).toHaveLength(4);
  });

  it('is asked only where its conditions hold', async () => {
    answers = [answer({ allowed: true })];
    const expressions = ["request.user != 'eve'", "request.resourceAttributes.namespace == 'x'"];
    const { authorize } = authorization({ matchConditions: expressions });
    expect(await authorize(asked)).toMatchObject({ decision: 'allow' });
    expect(authorize({ ...asked, namespace: 'y' })).toEqual({ decision: 'no-opinion', reason: '' });
    const path = nonResourceAttributes(user, 'get', '/x');
    expect(authorize(path)).toMatchObject({
      decision: 'no-opinion',
      error: {
        message:
          "cel evaluation error: expression 'request.resourceAttributes.namespace == 'x'' resulted in error: no such key: resourceAttributes",
      },
    });
    expect(authorize({ ...path, user: { ...user, name: 'eve' } })).toEqual({ decision: 'no-opinion', reason: '' });
    const text = await registry.text();
    for (const line of [
      'match_condition_evaluation_errors_total{name="hook",type="Webhook"} 1',
      'match_condition_exclusions_total{name="hook",type="Webhook"} 2',
      'match_condition_evaluation_seconds_count{name="hook",type="Webhook"} 4',
      'decisions_total{decision="allowed",name="hook",type="Webhook"} 1',
      'webhook_evaluations_total{name="hook",result="success"} 1',
    ])
      expect(text).toContain(`apiserver_authorization_${line}\n`);
  });
});

it('a configuration that changes is taken over; one that is wrong is not', async () => {
  let text = '';
  const listeners: (() => void)[] = [];
  const changed = () => listeners[0]?.();
  const configuration = (...authorizers: object[]) =>
    JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers });
  const deny = { type: 'AlwaysDeny', name: 'alwaysdeny' };
  text = configuration(deny);
  registry = new MetricsRegistry();
  const { authorize } = buildAuthorization(
    {
      configuration: [{ type: 'AlwaysDeny', name: 'alwaysdeny' }],
      file: {
        get: () => text,
        onChange: (listener) => {
          listeners.push(listener);
        },
        problemOf: () => undefined,
      },
    },
    {
      provided: {},
      registry,
      monotonic: () => 0,
      identity: 'me',
      now: () => new Date(5000),
      logger: silentLogger,
      clock,
      random: () => 0,
    },
  );
  expect(await authorize(asked)).toMatchObject({ decision: 'no-opinion' });
  const countOf = (status: string) =>
    new RegExp(`automatic_reloads_total\\{apiserver_id_hash="sha256:[0-9a-f]{64}",status="${status}"\\} (\\d)`);
  text = configuration({ type: 'AlwaysAllow', name: 'alwaysallow' });
  changed();
  await vi.waitFor(async () => expect(countOf('failure').exec(await registry.text())?.[1]).toBe('1'));
  expect(await authorize(asked)).toMatchObject({ decision: 'no-opinion' });
  text = configuration({ type: 'AlwaysAllow', name: 'alwaysallow' }, deny);
  changed();
  await vi.waitFor(async () => expect(countOf('success').exec(await registry.text())?.[1]).toBe('1'));
  expect(await authorize(asked)).toMatchObject({ decision: 'allow' });
});
