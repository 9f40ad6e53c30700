/** In which forms objects and lists are to be had, and in which they are not. */
import { describe, expect, test } from 'vitest';
import { storages } from '../support/api-server.ts';
import { servedApi } from '../support/served.ts';

const client = servedApi(storages[0]!.storage);

async function ask(
  method: string,
  path: string,
  accept: string,
  body?: object,
): Promise<{ code?: number; kind?: string; message?: string }> {
  return JSON.parse((await client.send(method, path, body, { accept })).body);
}

const as = (kind: string) => `application/json;as=${kind};g=meta.k8s.io;v=v1`;
const review = { spec: { nonResourceAttributes: { path: '/', verb: 'get' } } };
const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const none =
  'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf';
const list = (type: string) => `you requested PartialObjectMetadata, but the requested object is a list (*${type})`;
const noList = (type: string) =>
  `you requested PartialObjectMetadataList, but the requested object is not a list (*${type})`;

describe('a form', () => {
  test.each<[method: string, path: string, accept: string, message: string, body?: object]>([
    ['POST', reviews, as('Table'), none, review],
    ['POST', '/api/v1/namespaces/default/bindings', as('Table'), none, {}],
    ['GET', '/api/v1/namespaces', as('PartialObjectMetadata'), list('core.NamespaceList')],
    [
      'GET',
      '/apis/rbac.authorization.k8s.io/v1/clusterroles',
      as('PartialObjectMetadata'),
      list('rbac.ClusterRoleList'),
    ],
    ['GET', '/apis/events.k8s.io/v1/events', as('PartialObjectMetadata'), list('core.EventList')],
    ['GET', '/api/v1/componentstatuses', as('PartialObjectMetadata'), list('core.ComponentStatusList')],
    ['DELETE', '/api/v1/namespaces/default/configmaps', as('PartialObjectMetadata'), list('core.ConfigMapList')],
    ['GET', '/api/v1/namespaces/default', as('PartialObjectMetadataList'), noList('core.Namespace')],
  ])('that there is not: %s %s as %s', async (method, path, accept, message, body) => {
    expect(await ask(method, path, accept, body)).toMatchObject({ code: 406, reason: 'NotAcceptable', message });
  });

  test.each<[method: string, path: string, accept: string, kind: string, body?: object]>([
    ['POST', reviews, `${as('Table')},application/json`, 'SelfSubjectAccessReview', review],
    ['POST', reviews, as('PartialObjectMetadata'), 'PartialObjectMetadata', review],
    ['GET', '/api/v1/namespaces', as('PartialObjectMetadataList'), 'PartialObjectMetadataList'],
    ['DELETE', '/api/v1/namespaces/default/configmaps', as('PartialObjectMetadataList'), 'PartialObjectMetadataList'],
    ['GET', '/api/v1/namespaces/default', as('Table'), 'Table'],
  ])('that there is: %s %s as %s', async (method, path, accept, kind, body) => {
    expect(await ask(method, path, accept, body)).toMatchObject({ kind });
  });
});
