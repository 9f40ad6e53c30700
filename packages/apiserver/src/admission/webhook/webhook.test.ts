import type {
  MutatingWebhook,
  ValidatingWebhook,
  WebhookClientConfig,
} from '@keelson/api/generated/types/admissionregistration/v1';
import type { KubeObject } from '@keelson/api/object';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebhookClient } from '../../webhook/client.ts';
import { serviceResolver } from '../../webhook/services.ts';
import { AdmissionChain } from '../chain.ts';
import { AdmissionMetrics } from '../metrics.ts';
import type { AdmissionAttributes } from '../plugin.ts';
import { type FakeAttributes, fakeWorld, request } from '../testing.ts';
import { Hooks } from './hooks.ts';
import { mutatingAdmissionWebhook } from './mutating.ts';
import { type Answer, startWebhook, type TestWebhook } from './testing.ts';
import { validatingAdmissionWebhook } from './validating.ts';

let server: TestWebhook;
const world = fakeWorld();
const client = new WebhookClient({ resolve: serviceResolver(world.objects) });

beforeAll(async () => {
  server = await startWebhook();
});
beforeEach(() => {
  server.asked.length = 0;
});
afterAll(async () => {
  client.close();
  await server.close();
});

type Given = Partial<MutatingWebhook> & { readonly answer?: Answer; readonly at?: WebhookClientConfig };

/** Both plugins with webhooks called a, b, c… whose answers are given. */
function chainOf(
  kind: 'mutating' | 'validating',
  ...given: Given[]
): { chain: AdmissionChain; registry: MetricsRegistry } {
  const registry = new MetricsRegistry();
  const metrics = new AdmissionMetrics(registry, () => 0);
  const hooks = new Hooks(kind === 'mutating' ? 'admit' : 'validating', () => {
    throw new Error('no conditions here');
  });
  const webhooks = given.map(({ answer, at, ...more }, i) => {
    const name = String.fromCharCode(97 + i);
    if (answer) server.answers[name] = () => answer;
    const rules = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }];
    return {
      name: `${name}.example.com`,
      clientConfig: at ?? { url: `${server.url}/${name}`, caBundle: server.caBundle },
      rules,
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      timeoutSeconds: 1,
      namespaceSelector: {},
      objectSelector: {},
      ...more,
    } satisfies ValidatingWebhook;
  });
  hooks.set({ metadata: { name: 'config' }, webhooks } as unknown as KubeObject);
  let count = 0;
  const calling = { client, metrics, uuid: () => `uid-${++count}` };
  const plugin =
    kind === 'mutating'
      ? mutatingAdmissionWebhook(world, hooks, calling)
      : validatingAdmissionWebhook(world, hooks, calling);
  return { chain: new AdmissionChain([plugin]), registry };
}

function creating(more: Partial<AdmissionAttributes> = {}): FakeAttributes {
  const object = { kind: 'Thing', apiVersion: 'v1', metadata: { name: 'a' }, data: { x: '1' } };
  return request('CREATE', 'things', object, more);
}

const json = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
const patch = (...operations: object[]): Answer => ({ allowed: true, patchType: 'JSONPatch', patch: json(operations) });
const setY = { op: 'add', path: '/data/y', value: '2' };

describe('a review', () => {
  it('tells all about the request', async () => {
    const { chain } = chainOf('validating', { answer: {}, admissionReviewVersions: ['v7', 'v1beta1', 'v1'] });
    await chain.validate(creating({ options: () => ({ kind: 'CreateOptions' }), subresource: 'status' }));
    const kind = { group: '', version: 'v1', kind: 'Thing' };
    const resource = { group: '', version: 'v1', resource: 'things' };
    expect(server.asked).toMatchObject([
      {
        path: '/a?timeout=1s',
        apiVersion: 'admission.k8s.io/v1beta1',
        headers: { 'content-type': 'application/json', 'user-agent': 'kube-apiserver-admission' },
      },
    ]);
    expect(server.asked[0]!.request).toEqual({
      uid: 'uid-1',
      kind,
      resource,
      subResource: 'status',
      requestKind: kind,
      requestResource: resource,
      requestSubResource: 'status',
      name: 'a',
      namespace: 'ns',
      operation: 'CREATE',
      userInfo: { username: 'alice', groups: ['devs'] },
      object: { kind: 'Thing', apiVersion: 'v1', metadata: { name: 'a' }, data: { x: '1' } },
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions' },
    });
  });

  it('passes on warnings and audit annotations', async () => {
    const asked = creating();
    await chainOf('validating', { answer: { warnings: ['careful'], auditAnnotations: { k: 'v' } } }).chain.validate(
      asked,
    );
    expect(asked.warnings).toEqual(['careful']);
    expect(asked.annotations).toEqual({ 'a.example.com/k': 'v' });
  });

  it('is not asked about what configures admission', async () => {
    const { chain } = chainOf('validating', { answer: { allowed: false } });
    const kind = { group: 'admissionregistration.k8s.io', version: 'v1', kind: 'MutatingWebhookConfiguration' };
    await chain.validate(creating({ kind }));
    expect(server.asked).toEqual([]);
  });

  it('goes to the address of a service, by its name', async () => {
    const ports = [{ port: server.port }];
    world.objects.put('services', {
      metadata: { name: 'hook', namespace: 'ns' },
      spec: { type: 'ClusterIP', clusterIP: '127.0.0.1', ports },
    });
    const service = { namespace: 'ns', name: 'hook', path: '/a/b', port: server.port };
    const at = { service, caBundle: server.caBundle };
    await chainOf('validating', { answer: {}, at }).chain.validate(creating());
    expect(server.asked[0]).toMatchObject({
      path: '/a/b?timeout=1s',
      headers: { host: `hook.ns.svc:${server.port}` },
    });
  });
});

const denied = (status: object): Answer => ({ allowed: false, status: status as never });
it.each<[Answer, object]>([
  [
    denied({}),
    { code: 400, reason: '', message: 'admission webhook "a.example.com" denied the request without explanation' },
  ],
  [
    denied({ message: 'no', code: 418, reason: 'Teapot' }),
    { code: 418, reason: 'Teapot', message: 'admission webhook "a.example.com" denied the request: no' },
  ],
  [
    denied({ reason: 'Why', code: 200 }),
    { code: 400, message: 'admission webhook "a.example.com" denied the request: Why' },
  ],
  [denied({ metadata: { resourceVersion: '5', remainingItemCount: 3 } }), { metadata: { remainingItemCount: 3 } }],
])('denial %j', async (answer, expected) => {
  await expect(chainOf('validating', { answer }).chain.validate(creating())).rejects.toMatchObject(expected);
});

const reply = (status: number, body: string, contentType?: string): Answer => ({
  reply: { status, body, ...(contentType ? { contentType } : {}) },
});
const review = (more: object): Answer =>
  reply(200, JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', ...more }));
const call = 'failed to call webhook';
const response = 'received invalid webhook response';
it.each<[string, Answer, string]>([
  [
    '500',
    reply(500, 'oh "no"\n', 'text/plain'),
    `${call}: an error on the server ("oh \\"no\\"") has prevented the request from succeeding`,
  ],
  [
    '500 in JSON',
    reply(500, '{}'),
    `${call}: an error on the server ("unknown") has prevented the request from succeeding`,
  ],
  ['404', reply(404, ''), `${call}: the server could not find the requested resource`],
  ['403', reply(403, 'go away', 'text/plain'), `${call}: go away`],
  ['empty', reply(200, ''), `${call}: 0-length response with status code: 200 and content type: application/json`],
  [
    'no object',
    reply(200, '{"a":'),
    `${call}: couldn't get version/kind; json parse error: unexpected end of JSON input`,
  ],
  [
    'another kind',
    review({ kind: 'Pod', apiVersion: 'v1' }),
    `${call}: no kind "Pod" is registered for version "v1" in scheme "k8s.io/apiserver/pkg/util/webhook/client.go:71"`,
  ],
  [
    'another version',
    review({ apiVersion: 'admission.k8s.io/v1beta1' }),
    `${call}: converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion`,
  ],
  [
    'a kind of all versions',
    review({ kind: 'Status' }),
    `${call}: converting (v1.Status) to (v1.AdmissionReview): unknown conversion`,
  ],
  ['no version', review({ apiVersion: 'a/b/c' }), `${call}: unexpected GroupVersion string: a/b/c`],
  ['no response', review({}), `${response}: webhook response was absent`],
  ['no uid', { uid: '' }, `${response}: expected response.uid="uid-1", got ""`],
  [
    'no kind',
    reply(200, '{"response":{"uid":"uid-1","allowed":true}}'),
    `${response}: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=`,
  ],
  ['a patch', patch(setY), `${response}: validating webhook may not return response.patch`],
  ['a type of patch', { patchType: 'JSONPatch' }, `${response}: validating webhook may not return response.patchType`],
])('a failure: %s', async (_, answer, expected) => {
  const cause = `failed calling webhook "a.example.com": ${expected}`;
  const { chain, registry } = chainOf('validating', { answer });
  await expect(chain.validate(creating())).rejects.toMatchObject({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: ${cause}`,
    details: { causes: [{ message: cause }] },
  });
  expect(await registry.text()).toContain('error_type="calling_webhook_error"');
  const asked = creating();
  await chainOf('validating', { answer, failurePolicy: 'Ignore' }).chain.validate(asked);
  expect(asked.annotations).toEqual({
    'failed-open.validating.webhook.admission.k8s.io/round_0_index_0': 'a.example.com',
  });
});

const posting = (url: string, why: string) => `failed to call webhook: Post "${url}": ${why}`;
it.each<[string, () => WebhookClientConfig, () => string]>([
  [
    'nobody there',
    () => ({ url: 'https://127.0.0.1:1/x' }),
    () => posting('https://127.0.0.1:1/x?timeout=1s', 'dial tcp 127.0.0.1:1: connect: connection refused'),
  ],
  [
    'not trusted',
    () => ({ url: `${server.url}/a` }),
    () =>
      posting(
        `${server.url}/a?timeout=1s`,
        'tls: failed to verify certificate: x509: certificate signed by unknown authority',
      ),
  ],
  [
    'no certificates',
    () => ({ url: `${server.url}/a`, caBundle: 'eA==' }),
    () => 'could not get REST client: unable to load root certificates: unable to parse bytes as PEM block',
  ],
  [
    'no service',
    () => ({ service: { namespace: 'ns', name: 'nope', path: '/x' } }),
    () => posting('https://nope.ns.svc:443/x?timeout=1s', 'service "nope" not found'),
  ],
  [
    'a service without that port',
    () => ({ service: { namespace: 'ns', name: 'hook', port: 1 } }),
    () => posting('https://hook.ns.svc:1/?timeout=1s', 'no service port 1 found for service "hook"'),
  ],
])('a failure: %s', async (_, at, expected) => {
  const { chain } = chainOf('mutating', { at: at() });
  const cause = `failed calling webhook "a.example.com": ${expected()}`;
  await expect(chain.mutate(creating())).rejects.toThrow(`Internal error occurred: ${cause}`);
});

it.each([
  ['its own time is over', 1, Number.POSITIVE_INFINITY],
  ["the request's time is over", 30, 900],
])('gives up when %s', async (_, timeoutSeconds, left) => {
  let end: () => void = () => {};
  server.answers.a = () =>
    new Promise((resolve) => {
      end = () => resolve({});
    });
  const why = posting(`${server.url}/a?timeout=1s`, 'context deadline exceeded');
  const review = chainOf('validating', { timeoutSeconds }).chain.validate(creating({ msLeft: () => left }));
  await expect(review).rejects.toThrow(why);
  end();
});

it.each<[string, boolean]>([
  ['None', true],
  ['NoneOnDryRun', true],
  ['Some', false],
  ['Unknown', false],
])('a dry run with side effects %s: %s', async (sideEffects, isAsked) => {
  const outcome = chainOf('validating', { answer: {}, sideEffects }).chain.validate(creating({ dryRun: true }));
  if (isAsked) await outcome;
  else await expect(outcome).rejects.toMatchObject({ code: 400, message: /does not support dry run$/ });
  expect(server.asked).toHaveLength(isAsked ? 1 : 0);
});

describe('mutation', () => {
  it('hands the object from one to the next', async () => {
    const asked = creating();
    const { chain } = chainOf(
      'mutating',
      { answer: patch(setY) },
      { answer: patch({ op: 'remove', path: '/data/x' }) },
    );
    await chain.mutate(asked);
    expect(asked.object).toMatchObject({ data: { y: '2' } });
    expect(server.asked.map(({ request }) => (request.object as { data: object }).data)).toEqual([
      { x: '1' },
      { x: '1', y: '2' },
    ]);
    expect(asked.annotations['mutation.webhook.admission.k8s.io/round_0_index_1']).toBe(
      '{"configuration":"config","webhook":"b.example.com","mutated":true}',
    );
    expect(asked.annotations['patch.webhook.admission.k8s.io/round_0_index_1']).toBe(
      '{"configuration":"config","webhook":"b.example.com","patch":[{"op":"remove","path":"/data/x"}],"patchType":"JSONPatch"}',
    );
  });

  it.each<[string, string[]]>([
    ['Never', ['/a', '/b']],
    ['IfNeeded', ['/a', '/b', '/a']],
  ])('asks again: %s', async (reinvocationPolicy, expected) => {
    const asked = creating();
    const { chain } = chainOf(
      'mutating',
      { answer: {}, reinvocationPolicy },
      { answer: patch(setY), reinvocationPolicy },
    );
    await chain.mutate(asked);
    expect(server.asked.map(({ path }) => path.replace(/\?.*/, ''))).toEqual(expected);
  });

  it('leaves who has changed nothing alone', async () => {
    const { chain } = chainOf('mutating', { answer: patch(), reinvocationPolicy: 'IfNeeded' });
    await chain.mutate(creating());
    expect(server.asked).toHaveLength(1);
  });

  it.each<[Answer, string]>([
    [
      patch({ op: 'remove', path: '/data/z' }),
      "error in remove for path: '/data/z': Unable to remove nonexistent key: z: missing value",
    ],
    [
      patch({ op: 'add', path: '/no/y', value: 1 }),
      'add operation does not apply: doc is missing path: "/no/y": missing value',
    ],
    [patch({ op: 'test', path: '/data/x', value: 'y' }), 'testing value /data/x failed: test failed'],
    [patch({ op: 'frob', path: '/data/x' }), 'Unexpected kind: frob'],
    [
      { patch: json({}), patchType: 'JSONPatch' },
      'failed calling webhook "a.example.com": received undecodable patch in webhook response: json: cannot unmarshal object into Go value of type jsonpatch.Patch',
    ],
    [
      { patch: json([setY]), patchType: 'Merge' },
      'failed calling webhook "a.example.com": unsupported patch type "Merge"',
    ],
    [
      { patch: json([setY]) },
      `failed calling webhook "a.example.com": ${response}: webhook returned response.patch but not response.patchType`,
    ],
  ])('%j', async (answer, expected) => {
    const outcome = chainOf('mutating', { answer }).chain.mutate(creating());
    await expect(outcome).rejects.toThrow(`Internal error occurred: ${expected}`);
  });

  it('cannot change what is deleted', async () => {
    const asked = request('DELETE', 'things', undefined, { name: 'a' });
    await expect(chainOf('mutating', { answer: patch(setY) }).chain.mutate(asked)).rejects.toThrow(
      'admission webhook "a.example.com" attempted to modify the object, which is not supported for this operation',
    );
  });
});

it('asks configurations in the order of their names, and forgets those that go', () => {
  const hooks = new Hooks('admit', () => ({ match: async () => true }));
  const rules = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }];
  const configuration = (name: string, ...names: string[]) =>
    ({ metadata: { name }, webhooks: names.map((n) => ({ name: n, rules })) }) as unknown as KubeObject;
  hooks.set(configuration('b', 'x', 'x'));
  hooks.set(configuration('a', 'y'));
  const ids = () => hooks.matching(creating(), world.formsOf).map(({ hook }) => hook.id);
  expect(ids()).toEqual(['a/y/0', 'b/x/0', 'b/x/1']);
  hooks.delete('', 'b');
  expect(ids()).toEqual(['a/y/0']);
  hooks.delete('', 'a');
  expect(hooks.empty).toBe(true);
});
