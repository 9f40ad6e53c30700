/** Definitions of custom resources that go while nobody can convert their objects. */
import { expect, test, vi } from 'vitest';
import { servedApi } from '../support/served.ts';

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const UNREACHABLE = {
  strategy: 'Webhook',
  webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://127.0.0.1:1/convert' } },
};

const client = servedApi(process.env.KUBE_APISERVER ? 'etcd' : 'memory');

const version = (name: string, storage: boolean) => {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return { name, served: true, storage, schema };
};

async function define(group: string, versions: object[]): Promise<string> {
  const path = `${DEFINITIONS}/widgets.${group}`;
  const names = { plural: 'widgets', kind: 'Widget' };
  const spec = { group, scope: 'Namespaced', names, versions };
  await client.send('POST', DEFINITIONS, { metadata: { name: `widgets.${group}` }, spec });
  await untilSaid(path, { type: 'Established', status: 'True' });
  return path;
}

async function untilSaid(path: string, condition: object): Promise<void> {
  await vi.waitFor(async () => {
    const { status } = JSON.parse((await client.send('GET', path)).body) as { status: { conditions: unknown } };
    expect(status.conditions).toContainEqual(expect.objectContaining(condition));
  }, 30_000);
}

test('a definition whose objects cannot be converted stays, says why, and holds up no other one', async () => {
  const path = await define('stuck.example.com', [version('v1', true), version('v2', false)]);
  const widgets = '/apis/stuck.example.com/v1/namespaces/default/widgets';
  const widget = { apiVersion: 'stuck.example.com/v1', kind: 'Widget', metadata: { name: 'w' } };
  await vi.waitFor(async () => expect((await client.send('POST', widgets, widget)).status).toBe(201), 30_000);
  const versions = [version('v1', false), version('v2', true)];
  await client.send('PATCH', path, { spec: { conversion: UNREACHABLE, versions } });
  await client.send('DELETE', path);
  await untilSaid(path, {
    type: 'Terminating',
    reason: 'InstanceDeletionFailed',
    message: expect.stringContaining('conversion webhook for stuck.example.com/v1, Kind=Widget failed') as string,
  });
  const other = { ...widget, metadata: { name: 'other' } };
  const apply = { 'content-type': 'application/apply-patch+yaml' };
  const refused =
    'widgets.stuck.example.com "other" is forbidden: create not allowed while custom resource definition is terminating';
  for (const { status, body } of [
    await client.send('POST', widgets, other),
    await client.send('PATCH', `${widgets}/other?fieldManager=m`, other, apply),
  ])
    expect([status, (JSON.parse(body) as { message: string }).message]).toEqual([403, refused]);
  await define('other.example.com', [version('v1', true)]);
  await client.send('PATCH', path, { spec: { conversion: { strategy: 'None', webhook: null } } });
  await vi.waitFor(async () => expect((await client.send('GET', path)).status).toBe(404), 60_000);
}, 120_000);

test('an apply drops times in metadata that are none', async () => {
  const path = await define('times.example.com', [version('v1', true)]);
  const widget = `/apis/times.example.com/v1/namespaces/default/widgets/w?fieldManager=m`;
  const metadata = { name: 'w', creationTimestamp: 'yesterday', deletionTimestamp: 'soon' };
  const body = { apiVersion: 'times.example.com/v1', kind: 'Widget', metadata };
  const apply = () => client.send('PATCH', widget, body, { 'content-type': 'application/apply-patch+yaml' });
  await vi.waitFor(async () => expect((await apply()).status).toBe(201), 30_000);
  const again = await apply();
  expect(again.status).toBe(200);
  expect(JSON.parse(again.body)).toMatchObject({
    metadata: { creationTimestamp: expect.stringMatching(/^\d{4}-/) as string },
  });
  expect((JSON.parse(again.body) as { metadata: object }).metadata).not.toHaveProperty('deletionTimestamp');
  await client.send('DELETE', path);
}, 60_000);

test('an empty list of conditions stays one', async () => {
  const path = await define('empty.example.com', [version('v1', true)]);
  const { body } = await client.send('PATCH', `${path}/status?dryRun=All`, { status: { conditions: [] } });
  expect((JSON.parse(body) as { status: { conditions: unknown } }).status.conditions).toEqual([]);
});

test('fields that were managed in a version that is gone have no managers after the next update, and cannot be applied before', async () => {
  const [v1, v2] = [version('v1', true), version('v2', false)];
  const path = await define('gone.example.com', [v1, v2]);
  const widget = (in_: string) => `/apis/gone.example.com/${in_}/namespaces/default/widgets/w`;
  const apply = (in_: string, manager: string, spec: object) => {
    const body = { apiVersion: `gone.example.com/${in_}`, kind: 'Widget', metadata: { name: 'w' }, spec };
    return client.send('PATCH', `${widget(in_)}?fieldManager=${manager}`, body, {
      'content-type': 'application/apply-patch+yaml',
    });
  };
  await vi.waitFor(async () => expect((await apply('v2', 'other', { y: 1 })).status).toBe(201), 30_000);
  expect((await apply('v1', 'own', { x: 1 })).status).toBe(200);
  await client.send('PATCH', path, { spec: { versions: [v1] } });
  await vi.waitFor(async () => {
    const { status, body } = await apply('v1', 'own', { x: 1 });
    const message = 'request to convert CR to an invalid group/version: gone.example.com/v2';
    expect([status, (JSON.parse(body) as { message: string }).message]).toEqual([500, message]);
  }, 30_000);
  const { body } = await client.send('PATCH', widget('v1'), { spec: { z: 1 } });
  const { metadata, spec } = JSON.parse(body) as { metadata: { managedFields?: unknown }; spec: unknown };
  expect([metadata.managedFields, spec]).toEqual([undefined, { x: 1, y: 1, z: 1 }]);
  expect((await apply('v1', 'own', { x: 1 })).status).toBe(200);
}, 120_000);

test('a definition does not come between the server and its own resources', async () => {
  const name = 'ingressclasses.networking.k8s.io';
  const annotations = { 'api-approved.kubernetes.io': 'unapproved, of a test' };
  const names = { plural: 'ingressclasses', kind: 'IngressClass' };
  const spec = { group: 'networking.k8s.io', scope: 'Cluster', names, versions: [version('v1', true)] };
  const classes = '/apis/networking.k8s.io/v1/ingressclasses';
  const created = { metadata: { name: 'a' }, spec: { controller: 'example.com/a' } };
  expect((await client.send('POST', classes, created)).status).toBe(201);
  expect((await client.send('POST', DEFINITIONS, { metadata: { name, annotations }, spec })).status).toBe(201);
  await untilSaid(`${DEFINITIONS}/${name}`, { type: 'Established', status: 'True' });
  const stillThere = async () => {
    const refused = { metadata: { name: 'b' }, spec: { controller: 'no path' } };
    expect((await client.send('POST', classes, refused)).status).toBe(422);
    expect(JSON.parse((await client.send('GET', `${classes}/a`)).body)).toMatchObject(created);
  };
  await stillThere();
  await client.send('DELETE', `${DEFINITIONS}/${name}`);
  await vi.waitFor(async () => expect((await client.send('GET', `${DEFINITIONS}/${name}`)).status).toBe(404), 60_000);
  await stillThere();
});
