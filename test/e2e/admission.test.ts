import { startWebhook, type TestWebhook } from '@keelson/apiserver/admission/webhook/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, apiClient } from '../support/api-client.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';

let server: ApiServer;
let client: ApiClient;
let webhook: TestWebhook;

beforeAll(async () => {
  [server, webhook] = await Promise.all([startApiServer('memory'), startWebhook()]);
  client = apiClient(server.url, server.token);
  for (const [collection, object] of OBJECTS)
    expect(await call('POST', collection, object)).toMatchObject({ code: 201 });
}, 60_000);
afterAll(async () => {
  client.close();
  await webhook.close();
  await server.stop();
});

interface Answer {
  readonly code: number;
  readonly body: { readonly message?: string; readonly data?: object };
  readonly warnings: string | undefined;
}

async function call(method: string, path: string, body?: object, type = 'application/json'): Promise<Answer> {
  const { status, headers, body: text } = await client.send(method, path, body, { 'content-type': type });
  return { code: status, body: JSON.parse(text) as Answer['body'], warnings: headers.warning };
}

const GROUP = '/apis/admissionregistration.k8s.io/v1';
const NS = '/api/v1/namespaces/ns';
const APPS = '/apis/apps/v1/namespaces/ns';
const MERGE = 'application/merge-patch+json';
const APPLY = 'application/apply-patch+yaml';
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const pod = (name: string, nodeName?: string) => ({ metadata: { name }, spec: { ...template.spec, nodeName } });

const OBJECTS: readonly (readonly [collection: string, object: object])[] = [
  ['/api/v1/namespaces', { metadata: { name: 'ns' } }],
  [`${NS}/serviceaccounts`, { metadata: { name: 'default' } }],
  [`${NS}/configmaps`, { metadata: { name: 'c' } }],
  [`${NS}/services`, { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } }],
  [`${NS}/pods`, pod('p', 'node')],
  [`${NS}/pods`, pod('q')],
  [`${APPS}/deployments`, { metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } }],
];

describe('every way to write comes to admission', () => {
  const all = [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }];
  const seen = [
    "request.operation + (has(request.name) ? ' ' + request.name : '')",
    "(has(request.namespace) ? ' in ' + request.namespace : '')",
    "' ' + request.resource.resource + (has(request.subResource) ? '/' + request.subResource : '')",
    "(object == null ? '' : ' ' + object.apiVersion + ' ' + object.kind)",
    "(oldObject == null ? '' : ' old ' + oldObject.kind)",
    "(request.options == null ? '' : ' ' + request.options.kind)",
  ].join(' + ');

  beforeAll(async () => {
    await call('POST', `${GROUP}/validatingadmissionpolicies`, {
      metadata: { name: 'all' },
      spec: {
        matchConstraints: {
          resourceRules: all,
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ns' } },
        },
        matchConditions: [{ name: 'people', expression: "request.userInfo.username == 'admin'" }],
        validations: [{ expression: 'false', messageExpression: seen }],
      },
    });
    const spec = { policyName: 'all', validationActions: ['Deny'] };
    await call('POST', `${GROUP}/validatingadmissionpolicybindings`, { metadata: { name: 'all' }, spec });
  });
  afterAll(async () => {
    await call('DELETE', `${GROUP}/validatingadmissionpolicies/all`);
    await call('DELETE', `${GROUP}/validatingadmissionpolicybindings/all`);
  });

  const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'd' }, spec: { replicas: 3 } };
  const config = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
  const target = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'q' }, target: { kind: 'Node', name: 'n' } };
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'r' } };

  test.each<[string, string, object | undefined, string, string]>([
    ['POST', `${NS}/configmaps`, config('x'), '', 'CREATE x in ns configmaps v1 ConfigMap CreateOptions'],
    [
      'PUT',
      `${NS}/configmaps/c`,
      config('c'),
      '',
      'UPDATE c in ns configmaps v1 ConfigMap old ConfigMap UpdateOptions',
    ],
    ['PATCH', `${NS}/configmaps/c`, {}, MERGE, 'UPDATE c in ns configmaps v1 ConfigMap old ConfigMap UpdateOptions'],
    [
      'PATCH',
      `${NS}/configmaps/n?fieldManager=f`,
      config('n'),
      APPLY,
      'CREATE n in ns configmaps v1 ConfigMap CreateOptions',
    ],
    [
      'PUT',
      '/apis/rbac.authorization.k8s.io/v1/namespaces/ns/roles/r',
      role,
      '',
      'CREATE r in ns roles rbac.authorization.k8s.io/v1 Role CreateOptions',
    ],
    ['DELETE', `${NS}/configmaps/c`, undefined, '', 'DELETE c in ns configmaps old ConfigMap DeleteOptions'],
    ['DELETE', `${NS}/configmaps`, undefined, '', 'DELETE in ns configmaps old ConfigMap DeleteOptions'],
    ['DELETE', `${NS}/pods/p`, undefined, '', 'DELETE p in ns pods old Pod DeleteOptions'],
    ['PATCH', `${NS}/pods/p/status`, {}, MERGE, 'UPDATE p in ns pods/status v1 Pod old Pod UpdateOptions'],
    [
      'POST',
      `${NS}/pods/p/eviction`,
      { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } },
      '',
      'CREATE p in ns pods/eviction policy/v1 Eviction CreateOptions',
    ],
    ['POST', `${NS}/pods/q/binding`, target, '', 'CREATE q in ns pods/binding v1 Binding CreateOptions'],
    [
      'POST',
      `${NS}/serviceaccounts/default/token`,
      { spec: { audiences: ['a'] } },
      '',
      'CREATE default in ns serviceaccounts/token authentication.k8s.io/v1 TokenRequest CreateOptions',
    ],
    ['POST', `${NS}/pods/p/exec?command=a&stdout=1`, undefined, '', 'CONNECT p in ns pods/exec v1 PodExecOptions'],
    [
      'POST',
      `${NS}/pods/p/portforward?ports=1`,
      undefined,
      '',
      'CONNECT p in ns pods/portforward v1 PodPortForwardOptions',
    ],
    ['GET', `${NS}/services/s:80/proxy/x`, undefined, '', 'CONNECT s:80 in ns services/proxy v1 ServiceProxyOptions'],
    [
      'PUT',
      `${APPS}/deployments/d/scale`,
      scale,
      '',
      'UPDATE d in ns deployments/scale autoscaling/v1 Scale old Scale UpdateOptions',
    ],
    [
      'PATCH',
      '/api/v1/namespaces/ns',
      {},
      MERGE,
      'UPDATE ns in ns namespaces v1 Namespace old Namespace UpdateOptions',
    ],
    ['DELETE', '/api/v1/namespaces/ns', undefined, '', 'DELETE ns in ns namespaces old Namespace DeleteOptions'],
  ])('%s %s', async (method, path, body, type, expected) => {
    const { code, body: status } = await call(method, path, body, type || 'application/json');
    expect(status.message?.split('denied request: ')[1]).toBe(expected);
    expect(code).toBe(422);
  });
});

test('a webhook behind a service changes what is stored, and says so', async () => {
  const patch = Buffer.from('[{"op":"add","path":"/data","value":{"by":"webhook"}}]').toString('base64');
  webhook.answers.hook = () => ({ patchType: 'JSONPatch', patch, warnings: ['changed'] });
  await call('POST', `${NS}/services`, {
    metadata: { name: 'hook' },
    spec: { type: 'ExternalName', externalName: '127.0.0.1' },
  });
  const service = { namespace: 'ns', name: 'hook', path: '/hook', port: webhook.port };
  await call('POST', `${GROUP}/mutatingwebhookconfigurations`, {
    metadata: { name: 'hook' },
    webhooks: [
      {
        name: 'hook.example.com',
        clientConfig: { service, caBundle: webhook.caBundle },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
        matchConditions: [{ name: 'wanted', expression: "object.metadata.name == 'wanted'" }],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  });
  const wanted = await call('POST', `${NS}/configmaps`, { metadata: { name: 'wanted' } });
  expect(wanted).toMatchObject({ code: 201, body: { data: { by: 'webhook' } }, warnings: '299 - "changed"' });
  const other = await call('POST', `${NS}/configmaps`, { metadata: { name: 'other' } });
  expect(other.body.data).toBeUndefined();
  expect(webhook.asked.map(({ request: { name, operation } }) => `${operation} ${name}`)).toEqual(['CREATE wanted']);
});
