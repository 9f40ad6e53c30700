import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import type { KubeObject } from '@keelson/api/object';
import { expect, it } from 'vitest';
import { customVersions } from '../crd/resource.ts';
import type { WebhookClient } from '../webhook/client.ts';
import { manageFields } from './fieldmanager.ts';

const NOW = '2026-01-01T00:00:00Z';
const text = { type: 'string' };
const list = {
  type: 'array',
  items: { type: 'object', properties: { name: text, value: text }, required: ['name'] },
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
};

function version(name: string, args: object) {
  const spec = { type: 'object', properties: { args } };
  return {
    name,
    served: true,
    storage: name === 'v2',
    schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
  };
}

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [version('v1', { type: 'object', additionalProperties: text }), version('v2', list)],
    conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'] } },
  },
  status: { acceptedNames: { plural: 'widgets', kind: 'Widget' } },
} as unknown as CustomResourceDefinition;

/** A map of arguments in v1, a list of them in v2. */
function converted(object: KubeObject & { spec?: { args?: object } }, apiVersion: string) {
  const args = object.spec?.args;
  if (!args) return { ...object, apiVersion };
  const entries = Array.isArray(args) ? args.map(({ name, value }) => [name, value]) : Object.entries(args);
  const own = apiVersion.endsWith('v1')
    ? Object.fromEntries(entries)
    : entries.map(([name, value]) => ({ name, value }));
  return { ...object, apiVersion, spec: { args: own } };
}

const client = {
  post: async (_config: unknown, body: Buffer) => {
    const { apiVersion, kind, request } = JSON.parse(body.toString());
    const convertedObjects = request.objects.map((each: never) => converted(each, request.desiredAPIVersion));
    const reply = {
      apiVersion,
      kind,
      response: { uid: request.uid, result: { status: 'Success' }, convertedObjects },
    };
    return { status: 200, contentType: 'application/json', body: Buffer.from(JSON.stringify(reply)) };
  },
} as unknown as WebhookClient;

it('sees what others own in their versions as the webhook of the definition converts it', async () => {
  const [v1, v2] = customVersions(definition, { client, uuid: () => 'u' }).map(({ resource }) => resource);
  const metadata = { name: 'a', namespace: 'ns' };
  const old = { apiVersion: 'example.com/v1', kind: 'Widget', metadata, spec: { args: { a: '1', b: '2' } } };
  const first = await manageFields(v1!, '', 0, (fields) => fields.applying(undefined, old, 'me', false, NOW));
  const stored = { ...converted(first as never, 'example.com/v2'), metadata: { ...first.metadata, uid: 'u' } };

  const spec = { args: [{ name: 'a', value: '3' }] };
  const config = { apiVersion: 'example.com/v2', kind: 'Widget', metadata, spec };
  const second = await manageFields(v2!, '', 0, (fields) => fields.applying(stored, config, 'me', false, NOW));
  expect(second).toMatchObject({ spec });
  expect(second.metadata.managedFields?.map((entry) => [entry.manager, entry.apiVersion])).toEqual([
    ['me', 'example.com/v2'],
  ]);

  const other = manageFields(v2!, '', 0, (fields) => fields.applying(stored, config, 'you', false, NOW));
  await expect(other).rejects.toMatchObject({ code: 409, message: expect.stringContaining('.spec.args.a') });
});
