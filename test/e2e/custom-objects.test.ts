/** Objects of custom resources: rules that became stricter, scales of several versions, numbers of their schemas. */
import { expect, test, vi } from 'vitest';
import { servedApi } from '../support/served.ts';

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

const client = servedApi(process.env.KUBE_APISERVER ? 'etcd' : 'memory');

interface Version {
  name: string;
  spec: object;
  subresources?: object;
}

const versionsOf = (versions: readonly Version[]) =>
  versions.map(({ name, spec, subresources = {} }, i) => {
    const free = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec, status: free } } };
    return { name, served: true, storage: i === 0, schema, subresources };
  });

async function define(group: string, versions: readonly Version[]): Promise<string> {
  const path = `${DEFINITIONS}/widgets.${group}`;
  const names = { plural: 'widgets', kind: 'Widget' };
  const spec = { group, scope: 'Namespaced', names, versions: versionsOf(versions) };
  expect((await client.send('POST', DEFINITIONS, { metadata: { name: `widgets.${group}` }, spec })).status).toBe(201);
  return path;
}

async function create(group: string, spec: object): Promise<void> {
  const object = { apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name: 'w' }, spec };
  const widgets = `/apis/${group}/v1/namespaces/default/widgets`;
  await vi.waitFor(async () => expect((await client.send('POST', widgets, object)).status).toBe(201), 30_000);
}

const pathIn = (group: string, version: string) => `/apis/${group}/${version}/namespaces/default/widgets/w`;
const integer = { type: 'integer' };
const object = (properties: object) => ({ type: 'object', properties });

test('what is let pass because it was so before is warned of, also where the update is refused', async () => {
  const group = 'strict.example.com';
  const path = await define(group, [{ name: 'v1', spec: object({ a: object({ n: integer }), b: integer }) }]);
  await create(group, { a: { n: 1 }, b: 1 });
  const rules = [{ rule: 'self.n > 5', message: 'more' }];
  const strict = object({
    a: { ...object({ n: integer }), 'x-kubernetes-validations': rules },
    b: { ...integer, 'x-kubernetes-validations': [{ rule: 'self > oldSelf', message: 'grows' }] },
  });
  await client.send('PATCH', path, { spec: { versions: versionsOf([{ name: 'v1', spec: strict }]) } });
  await vi.waitFor(async () => {
    const { status, headers, body } = await client.send('PATCH', pathIn(group, 'v1'), { spec: { b: 0 } });
    expect([status, (JSON.parse(body) as { message: string }).message, headers.warning]).toEqual([
      422,
      'Widget.strict.example.com "w" is invalid: spec.b: Invalid value: 0: grows',
      '299 - "spec.a: Invalid value: more"',
    ]);
  }, 30_000);
});

test('who scales in one version takes the replicas of the others from their owners', async () => {
  const group = 'scaled.example.com';
  const scale = (specReplicasPath: string) => ({ scale: { specReplicasPath, statusReplicasPath: '.status.replicas' } });
  const spec = object({ n: integer, m: integer });
  await define(group, [
    { name: 'v1', spec, subresources: scale('.spec.n') },
    { name: 'v2', spec, subresources: scale('.spec.m') },
  ]);
  await create(group, { n: 1, m: 1 });
  const patch = (replicas: number) => client.send('PATCH', `${pathIn(group, 'v2')}/scale`, { spec: { replicas } });
  expect((await patch(2)).status).toBe(200);
  const managers = async () => {
    const { body } = await client.send('GET', pathIn(group, 'v2'));
    const { metadata } = JSON.parse(body) as {
      metadata: { managedFields: { apiVersion: string; subresource?: string; fieldsV1: object }[] };
    };
    return metadata.managedFields.map(({ apiVersion, subresource, fieldsV1 }) => [apiVersion, subresource, fieldsV1]);
  };
  expect(await managers()).toEqual([
    [`${group}/v2`, 'scale', { 'f:spec': { 'f:m': {} } }],
    [`${group}/v1`, undefined, { 'f:spec': { '.': {}, 'f:m': {} } }],
  ]);
  expect((await patch(0)).status).toBe(200);
  expect(await managers()).toEqual([[`${group}/v1`, undefined, { 'f:spec': { '.': {}, 'f:m': {} } }]]);
  const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
  const { body } = await client.send('GET', `${pathIn(group, 'v2')}/scale`, undefined, table);
  expect((JSON.parse(body) as { rows: { cells: unknown[] }[] }).rows[0]!.cells.slice(0, 3)).toEqual(['w', null, 0]);
});

test('a default may be an integer that no double holds', async () => {
  const group = 'large.example.com';
  const large = { ...integer, format: 'int64', default: '<large>' };
  const versions = versionsOf([{ name: 'v1', spec: object({ n: large }) }]);
  const names = { plural: 'widgets', kind: 'Widget' };
  const definition = {
    metadata: { name: `widgets.${group}` },
    spec: { group, scope: 'Namespaced', names, versions },
  };
  const text = JSON.stringify(definition).replace('"<large>"', '9007199254740993');
  const { status, body } = await client.send('POST', DEFINITIONS, Buffer.from(text));
  expect([status, body]).toEqual([201, expect.stringContaining('"default":9007199254740993')]);
});

test('replicas that the schema prunes can be scaled, and are not there to be read', async () => {
  const group = 'pruned.example.com';
  const subresources = { scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' } };
  await define(group, [{ name: 'v1', spec: object({ a: integer }), subresources }]);
  await create(group, { a: 1 });
  const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'w', namespace: 'default' } };
  const path = `${pathIn(group, 'v1')}/scale`;
  const written = await client.send('PUT', path, { ...scale, spec: { replicas: 3 } });
  expect([written.status, JSON.parse(written.body)]).toMatchObject([200, { spec: {}, status: { replicas: 0 } }]);
  const older = await client.send('PUT', path, { ...scale, apiVersion: 'extensions/v1beta1' });
  expect((JSON.parse(older.body) as { message: string }).message).toMatch(
    /^no kind is registered for the type v1.Scale/,
  );
  const read = await client.send('GET', path);
  expect([read.status, (JSON.parse(read.body) as { message: string }).message]).toEqual([
    500,
    'Internal error occurred: the spec replicas field ".spec.n" does not exist',
  ]);
});
