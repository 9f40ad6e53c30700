/** What is refused, and which fault comes first where a request has several: as kube-apiserver (KUBE_APISERVER) answers. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, apiClient } from '../support/api-client.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';

const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
const MERGE = { 'content-type': 'application/merge-patch+json' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const APPLY = { 'content-type': 'application/apply-patch+yaml' };
const NO_TABLE =
  'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf';
const core = '/api/v1/namespaces/default';
const apps = '/apis/apps/v1/namespaces/default';
const container = { name: 'c', image: 'i' };
const labels = { a: 'b' };

let server: ApiServer;
let client: ApiClient;
beforeAll(async () => {
  server = await startApiServer('memory');
  client = apiClient(server.url, server.token);
  const template = { metadata: { labels }, spec: { containers: [container] } };
  await client.send('POST', `${core}/serviceaccounts`, { metadata: { name: 'default' } });
  await client.send('POST', `${core}/pods`, { metadata: { name: 'p' }, spec: { containers: [container] } });
  const spec = { selector: { matchLabels: labels }, template };
  await client.send('POST', `${apps}/deployments`, { metadata: { name: 'd' }, spec });
}, 60_000);
afterAll(async () => {
  client?.close();
  await server?.stop();
});

type Row = readonly [
  method: string,
  path: string,
  body: object | undefined,
  headers: Record<string, string>,
  status: number,
  message: string,
];

test.each<Row>([
  // A patch of nothing is not found, whatever it says.
  ['PATCH', `${core}/pods/none`, Buffer.from('x'), MERGE, 404, 'pods "none" not found'],
  ['PATCH', `${core}/pods/none`, ['x'], JSON_PATCH, 404, 'pods "none" not found'],
  [
    'PATCH',
    `${core}/pods/p`,
    ['x'],
    JSON_PATCH,
    400,
    'error decoding patch: json: cannot unmarshal string into Go value of type handlers.jsonPatchOp',
  ],
  [
    'PATCH',
    `${core}/configmaps/none?fieldManager=x`,
    [1],
    APPLY,
    400,
    'error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}',
  ],
  // An update that creates looks at the revision as one that does not.
  [
    'PUT',
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/none',
    { metadata: { name: 'none', resourceVersion: 'x' } },
    {},
    500,
    'strconv.ParseUint: parsing "x": invalid syntax',
  ],
  ['POST', `${core}/bindings`, { target: { name: 'n' } }, {}, 400, 'Name parameter required.'],
  // Not every subresource has a table, which is seen first.
  ['GET', `${core}/pods/p/resize`, undefined, TABLE, 406, NO_TABLE],
  ['PATCH', `${core}/pods/p/ephemeralcontainers`, {}, { ...MERGE, ...TABLE }, 406, NO_TABLE],
  ['PUT', `/api/v1/namespaces/default/finalize`, {}, TABLE, 406, NO_TABLE],
  ['GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/none/status', undefined, TABLE, 406, NO_TABLE],
  // A scale is judged as an object of its own.
  [
    'PUT',
    `${apps}/deployments/d/scale`,
    { metadata: { name: 'd', namespace: 'default', annotations: { 'a b': 'c' } }, spec: { replicas: -1 } },
    {},
    422,
    `Scale.autoscaling "d" is invalid: [metadata.annotations: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'), spec.replicas: Invalid value: -1: must be greater than or equal to 0]`,
  ],
])('%s %s %j %j', async (method, path, body, headers, status, message) => {
  const answer = await client.send(method, path, body, headers);
  expect({
    status: answer.status,
    message: (JSON.parse(answer.body) as { message?: string }).message,
  }).toEqual({
    status,
    message,
  });
});

test('a table of what was not stored has no revision', async () => {
  const body = { metadata: { name: 'dry' } };
  const { body: text } = await client.send('POST', `${core}/configmaps?dryRun=All`, body, TABLE);
  expect(JSON.parse(text) as { metadata: object }).toMatchObject({ kind: 'Table' });
  expect((JSON.parse(text) as { metadata: object }).metadata).toEqual({});
});
