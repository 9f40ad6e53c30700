import { atOnce } from '@keelson/api/pieces';
import { describe, expect, it } from 'vitest';
import { enabledGroups } from '../discovery/runtime-config.ts';
import { type CustomKind, customName } from './custom.ts';
import { type CustomSchema, toSchema2, toSchema3 } from './custom-schema.ts';
import { loadOpenApiDataSync } from './data.ts';
import * as documents from './documents.ts';
import { OpenApiService } from './service.ts';
import { bodyOf, textOf } from './testing.ts';

type Json = { [key: string]: Json };

const widget: CustomKind = {
  group: 'shop.example.com',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  listKind: 'WidgetCollection',
  namespaced: true,
  hasStatus: true,
  hasScale: true,
  schema: {
    properties: { spec: { properties: { color: { type: 'string', default: 'red' } }, type: 'object' } },
    type: 'object',
  },
  selectableFields: ['spec.color'],
};
const data = loadOpenApiDataSync();
const user = { name: 'u', uid: '', groups: [], extra: {} };
const served = enabledGroups({ 'api/all': 'false', 'node.k8s.io/v1': 'true' });

function worldOf(...kinds: CustomKind[]) {
  return { served, custom: new Map([['shop.example.com/v1', kinds]]) };
}

async function document3(...kinds: CustomKind[]): Promise<Json> {
  return JSON.parse(textOf(documents.document3('apis/shop.example.com/v1', worldOf(...kinds), data))) as Json;
}

describe('version 3', () => {
  it('has paths of the kind and its subresources, without those below /watch/', async () => {
    const { paths } = await document3(widget);
    const item = '/apis/shop.example.com/v1/namespaces/{namespace}/widgets/{name}';
    expect(
      Object.fromEntries(Object.entries(paths!).map(([path, operations]) => [path, Object.keys(operations)])),
    ).toEqual({
      '/apis/shop.example.com/v1/namespaces/{namespace}/widgets': ['get', 'post', 'delete', 'parameters'],
      [item]: ['get', 'put', 'delete', 'patch', 'parameters'],
      [`${item}/scale`]: ['get', 'put', 'patch', 'parameters'],
      [`${item}/status`]: ['get', 'put', 'patch', 'parameters'],
      '/apis/shop.example.com/v1/widgets': ['get', 'parameters'],
    });
    const patch = paths![item]!.patch as unknown as { requestBody: { content: object }; responses: object };
    expect(Object.keys(patch.requestBody.content)).toEqual([
      'application/apply-patch+yaml',
      'application/json-patch+json',
      'application/merge-patch+json',
    ]);
    expect(Object.keys(patch.responses)).toEqual(['200', '401']);
    const scale = paths![`${item}/scale`]!.get;
    expect(JSON.stringify(scale!.responses)).toContain('io.k8s.api.autoscaling.v1.Scale"');
    expect(scale!['x-kubernetes-group-version-kind']).toEqual({
      group: 'shop.example.com',
      version: 'v1',
      kind: 'Widget',
    });
  });

  it('defines the kind with what all objects have, its list, and what they refer to', async () => {
    const { components, info } = await document3(widget);
    const { schemas } = components!;
    expect(info).toEqual({ title: 'Kubernetes CRD Swagger', version: 'v0.1.0' });
    expect(Object.keys(components!)).toEqual(['schemas']);
    const object = schemas!['com.example.shop.v1.Widget']!;
    expect(Object.keys(object)).toEqual([
      'type',
      'properties',
      'x-kubernetes-group-version-kind',
      'x-kubernetes-selectable-fields',
    ]);
    expect(Object.keys(object.properties!)).toEqual(['apiVersion', 'kind', 'metadata', 'spec']);
    expect(object.properties!.spec).toEqual({
      type: 'object',
      properties: { color: { type: 'string', default: 'red' } },
    });
    expect(schemas!['com.example.shop.v1.WidgetCollection']).toMatchObject({
      required: ['items'],
      properties: { items: { items: { $ref: '#/components/schemas/com.example.shop.v1.Widget' } } },
    });
    expect(Object.keys(schemas!)).toContain('io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry');
  });

  it('says what an embedded resource is', async () => {
    const spec = { type: 'object', 'x-kubernetes-embedded-resource': true };
    const { components } = await document3({ ...widget, schema: { type: 'object', properties: { spec } } });
    const { properties } = components!.schemas!['com.example.shop.v1.Widget']!.properties!.spec!;
    expect(properties!.kind!.description).toMatch(/representing the type of this object\. In CamelCase\. More info: /);
    expect(properties!.apiVersion!.description).toMatch(/^apiVersion defines .* of an object\. More info: /);
  });

  it('starts the name of a kind that is written small with a capital where it follows the verb', async () => {
    const { paths } = await document3({ ...widget, kind: 'widget' });
    expect(paths!['/apis/shop.example.com/v1/widgets']!.get!.operationId).toBe(
      'listShopExampleComV1WidgetForAllNamespaces',
    );
    expect(paths!['/apis/shop.example.com/v1/namespaces/{namespace}/widgets']!.get!.operationId).toBe(
      'listShopExampleComV1Namespacedwidget',
    );
  });

  it('takes a kind without schema as it comes', async () => {
    const { components } = await document3({ ...widget, schema: undefined, selectableFields: [] });
    expect(Object.keys(components!.schemas!['com.example.shop.v1.Widget']!)).toEqual([
      'type',
      'x-kubernetes-group-version-kind',
    ]);
  });
});

describe('version 2', () => {
  it('has custom resources beside the built-in ones', async () => {
    const { paths, definitions } = JSON.parse(textOf(atOnce(documents.document2(worldOf(widget), data)))) as Json;
    expect(Object.keys(paths!)).toContain('/apis/node.k8s.io/v1/runtimeclasses');
    expect(paths!['/apis/shop.example.com/v1/widgets']!.get).toMatchObject({
      consumes: ['application/json', 'application/yaml'],
      produces: ['application/json', 'application/yaml'],
    });
    expect(definitions!['com.example.shop.v1.Widget']!.properties!.spec).toEqual({
      type: 'object',
      properties: { color: { type: 'string' } },
    });
  });

  it('says nothing of fields where unknown ones are allowed', async () => {
    const open = { ...widget, schema: { ...widget.schema, 'x-kubernetes-preserve-unknown-fields': true } };
    const { definitions } = JSON.parse(textOf(atOnce(documents.document2(worldOf(open), data)))) as Json;
    expect(definitions!['com.example.shop.v1.Widget']!.properties).toBeUndefined();
  });
});

describe('schemas', () => {
  const embedded = { kind: { type: 'string' } };
  it.each<[CustomSchema, object, object]>([
    [
      { nullable: true, type: 'array', items: { type: 'string' } },
      { type: 'array', nullable: true, items: { type: 'string' } },
      {},
    ],
    [
      { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
      { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true },
      { 'x-kubernetes-int-or-string': true },
    ],
    [
      { required: ['a', 'b'], properties: { b: { type: 'string' }, a: { type: 'string', nullable: true } } },
      { required: ['a', 'b'], properties: { a: { type: 'string', nullable: true }, b: { type: 'string' } } },
      { required: ['b'], properties: { a: {}, b: { type: 'string' } } },
    ],
    [
      { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
      {
        type: 'object',
        required: ['kind', 'apiVersion'],
        properties: embedded,
        'x-kubernetes-embedded-resource': true,
        'x-kubernetes-preserve-unknown-fields': true,
      },
      { 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    ],
    [{ type: 'boolean', default: false, nullable: false }, { type: 'boolean', default: false }, { type: 'boolean' }],
    [
      { maximum: 3, type: 'integer', description: 'n', enum: [1], minimum: 0 },
      { description: 'n', type: 'integer', maximum: 3, minimum: 0, enum: [1] },
      { description: 'n', type: 'integer', maximum: 3, minimum: 0, enum: [1] },
    ],
  ])('%j', (schema, three, two) => {
    expect(JSON.stringify(toSchema3(schema, embedded))).toBe(JSON.stringify(three));
    expect(JSON.stringify(toSchema2(schema, embedded))).toBe(JSON.stringify(two));
  });
});

it('customName turns the group around', () => {
  expect(customName('shop.example.com', 'v1', 'Widget')).toBe('com.example.shop.v1.Widget');
});

it('kinds come and go while the server runs', async () => {
  const service = new OpenApiService({ served: () => served, now: () => new Date(0), showsEnums: true });
  const user = { name: '', uid: '', groups: [], extra: {} };
  const get = (path: string) => service.serve({ method: 'GET', path, query: new URLSearchParams(), headers: {}, user });
  const etag = async () => (await get('/openapi/v2'))?.headers.etag;
  const path = '/openapi/v3/apis/shop.example.com/v1';
  const before = await etag();
  service.setCustomKinds('shop.example.com', 'v1', [widget]);
  expect((await get(path))?.status).toBe(200);
  expect(String((await get('/openapi/v3'))?.body)).toContain('"apis/shop.example.com/v1"');
  expect(await etag()).not.toBe(before);
  const known = await etag();
  service.setCustomKinds('shop.example.com', 'v1', [structuredClone(widget)]);
  expect(await etag()).toBe(known);
  service.setCustomKinds('shop.example.com', 'v1', [{ ...widget, schema: { type: 'object' } }]);
  expect(await etag()).not.toBe(known);
  service.setCustomKinds('shop.example.com', 'v1', []);
  expect((await get(path))?.status).toBe(404);
  expect(await etag()).toBe(before);
});

it('says integers that no double holds as they are', async () => {
  const max = 9223372036854775807n;
  const schema = { type: 'object', properties: { spec: { type: 'object', properties: { x: { maxLength: max } } } } };
  const kind = { ...widget, schema } as CustomKind;
  const service = new OpenApiService({ served: () => served, now: () => new Date(0), showsEnums: true });
  service.setCustomKinds(kind.group, kind.version, [kind]);
  const request = { method: 'GET', query: new URLSearchParams(), headers: {}, user };
  const index = await service.serve({ ...request, path: '/openapi/v3' });
  expect(index?.status).toBe(200);
  for (const path of ['/openapi/v2', '/openapi/v3/apis/shop.example.com/v1'])
    expect(await bodyOf(await service.serve({ ...request, path }))).toContain('"maxLength":9223372036854775807');
});
