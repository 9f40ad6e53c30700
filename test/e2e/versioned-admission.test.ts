/** Admission of custom resources in another version than the request's: the definition's webhook converts what is shown, and what comes back. */
import type { KubeObject } from '@keelson/api/object';
import { startTestServer } from '@keelson/apiserver/webhook/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type ApiClient, apiClient } from '../support/api-client.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';

interface Review {
  readonly apiVersion: string;
  readonly request: {
    readonly uid: string;
    readonly desiredAPIVersion: string;
    readonly objects: readonly KubeObject[];
    readonly operation: string;
    readonly kind: object;
    readonly requestKind: object;
    readonly object: KubeObject | null;
    readonly oldObject: KubeObject | null;
  };
}

/** Of v1 the text, of v2 its words. */
function convert({ metadata, kind, spec }: KubeObject, apiVersion: string): KubeObject {
  const { text, words = text?.split(' ') } = spec as { text?: string; words?: string[] };
  const converted = apiVersion.endsWith('/v1') ? { text: text ?? words?.join(' ') } : { words };
  return { apiVersion, kind, metadata, spec: converted };
}

/** Requests as the webhooks saw them, by path. */
const seen: Record<string, Review['request'][]> = { mutate: [], validate: [] };

function answer(path: string, body: string): object {
  const { apiVersion, request } = JSON.parse(body) as Review;
  const { uid, desiredAPIVersion, objects, object } = request;
  if (path.startsWith('/convert')) {
    const fails = objects.some(({ spec }) => JSON.stringify(spec).includes('fail'));
    const result = fails ? { status: 'Failure', message: 'not this one' } : { status: 'Success' };
    const convertedObjects = fails ? [] : objects.map((each) => convert(each, desiredAPIVersion));
    return { apiVersion, kind: 'ConversionReview', response: { uid, result, convertedObjects } };
  }
  const isMutating = path.startsWith('/mutate');
  seen[isMutating ? 'mutate' : 'validate']!.push(request);
  const text = (object?.spec as { text?: string } | undefined)?.text;
  const patch = btoa(JSON.stringify([{ op: 'replace', path: '/spec/text', value: `${text} more` }]));
  const response = { uid, allowed: true, ...(isMutating && text ? { patchType: 'JSONPatch', patch } : {}) };
  return { apiVersion, kind: 'AdmissionReview', response };
}

let server: ApiServer;
let client: ApiClient;
let webhook: Awaited<ReturnType<typeof startTestServer>>;
const WIDGETS = (version: string) => `/apis/example.com/${version}/namespaces/default/widgets`;

async function call(method: string, path: string, body?: object) {
  const { status, body: text } = await client.send(method, path, body);
  return { code: status, body: JSON.parse(text) as KubeObject & { message?: string } };
}

beforeAll(async () => {
  const storage = process.env.KUBE_APISERVER ? 'etcd' : 'memory';
  [server, webhook] = await Promise.all([
    startApiServer(storage),
    startTestServer(async ({ path, body }) => ({ body: JSON.stringify(answer(path, body)) }), 'hook.ns.svc'),
  ]);
  client = apiClient(server.url, server.token);
  const clientConfig = (path: string) => ({ url: `${webhook.url}/${path}`, caBundle: btoa(webhook.ca) });
  const version = (name: string, spec: object) => {
    const properties = { spec: { type: 'object', properties: spec } };
    const schema = { openAPIV3Schema: { type: 'object', properties } };
    return { name, served: true, storage: name === 'v1', schema };
  };
  const crd = {
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'widgets', kind: 'Widget' },
      scope: 'Namespaced',
      conversion: {
        strategy: 'Webhook',
        webhook: { conversionReviewVersions: ['v1'], clientConfig: clientConfig('convert') },
      },
      versions: [
        version('v1', { text: { type: 'string' } }),
        version('v2', { words: { type: 'array', items: { type: 'string' } } }),
      ],
    },
  };
  const made = await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
  expect(made).toMatchObject({ code: 201 });
  const rules = [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['*'], resources: ['*'] }];
  for (const [collection, path] of [
    ['mutatingwebhookconfigurations', 'mutate'],
    ['validatingwebhookconfigurations', 'validate'],
  ] as const) {
    const own = { name: `${path}.example.com`, sideEffects: 'None', admissionReviewVersions: ['v1'] };
    const webhooks = [{ ...own, rules, clientConfig: clientConfig(path) }];
    const object = { metadata: { name: path }, webhooks };
    const { code } = await call('POST', `/apis/admissionregistration.k8s.io/v1/${collection}`, object);
    expect(code).toBe(201);
  }
  // Until both are in use.
  let count = 0;
  const works = async () => {
    const { code } = await call('POST', WIDGETS('v1'), {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: `probe-${count++}` },
      spec: { text: 'x' },
    });
    expect(code).toBe(201);
    expect(seen.mutate!.length * seen.validate!.length).toBeGreaterThan(0);
  };
  await vi.waitFor(works, { timeout: 30_000, interval: 200 });
}, 90_000);
afterAll(async () => {
  client?.close();
  await webhook?.close();
  await server?.stop();
});

const widget = (...words: string[]) => ({
  apiVersion: 'example.com/v2',
  kind: 'Widget',
  metadata: { name: 'w' },
  spec: { words },
});

it('shows webhooks objects of the version that they name, and brings back what they change', async () => {
  seen.mutate = [];
  seen.validate = [];
  const created = await call('POST', WIDGETS('v2'), widget('a', 'b'));
  expect(created).toMatchObject({
    code: 201,
    body: { apiVersion: 'example.com/v2', spec: { words: ['a', 'b', 'more'] } },
  });
  const kinds = { kind: { version: 'v1' }, requestKind: { version: 'v2' } };
  const v1 = (text: string) => ({ apiVersion: 'example.com/v1', spec: { text } });
  expect(seen.mutate).toMatchObject([{ ...kinds, object: v1('a b'), oldObject: null }]);
  expect(seen.validate).toMatchObject([{ ...kinds, object: v1('a b more'), oldObject: null }]);
  const { metadata } = created.body;
  const updated = await call('PUT', `${WIDGETS('v2')}/w`, { ...widget('c'), metadata });
  expect(updated).toMatchObject({ code: 200, body: { spec: { words: ['c', 'more'] } } });
  expect(seen.mutate![1]).toMatchObject({ ...kinds, object: v1('c'), oldObject: v1('a b more') });
  expect(seen.validate![1]).toMatchObject({ ...kinds, object: v1('c more'), oldObject: v1('a b more') });
  expect(await call('GET', `${WIDGETS('v1')}/w`)).toMatchObject({ code: 200, body: v1('c more') });
});

it('refuses what is not converted', async () => {
  const refused = async () => {
    const { code, body } = await call('POST', WIDGETS('v2'), widget('fail'));
    return `${code} ${body.message}`;
  };
  const error = 'Internal error occurred: ';
  const why = 'conversion webhook for example.com/v2, Kind=Widget failed: not this one';
  expect(await refused()).toBe(`500 ${error}${error}${why}`);
  const configuration = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/mutate';
  expect(await call('DELETE', configuration)).toMatchObject({ code: 200 });
  await vi.waitFor(async () => expect(await refused()).toBe(`500 ${error}${why}`), 20_000);
});
