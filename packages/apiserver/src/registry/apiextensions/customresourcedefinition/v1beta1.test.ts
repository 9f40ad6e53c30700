import type { KubeObject } from '@keelson/api/object';
import { expect, it } from 'vitest';
import { fromV1beta1 } from './v1beta1.ts';

const names = { plural: 'widgets', kind: 'Widget' };
const status = { conditions: [], acceptedNames: names, storedVersions: ['v1'] };
const schema = { openAPIV3Schema: { type: 'object' } };

function converted(spec: object): object {
  const given = { apiVersion: 'apiextensions.k8s.io/v1beta1', kind: 'CustomResourceDefinition', metadata: {}, status };
  return fromV1beta1({ ...given, spec: { group: 'example.com', names, ...spec } } as unknown as KubeObject);
}

it('what all versions have in common comes to each of them', () => {
  const column = { name: 'A', type: 'string', priority: 1 };
  const [v1, v2] = ['v1', 'v2'].map((name) => ({ name, served: true, storage: name === 'v1' }));
  const common = { subresources: { status: {} }, selectableFields: [{ jsonPath: '.spec.a' }] };
  const stored = {
    ...common,
    version: 'v1',
    scope: 'Cluster',
    versions: [v1, { ...v2, deprecated: true }],
    validation: schema,
    additionalPrinterColumns: [{ ...column, JSONPath: '.spec.a' }],
    conversion: { strategy: 'Webhook', webhookClientConfig: { service: { name: 'a', namespace: 'b' } } },
    preserveUnknownFields: false,
  };
  const parts = { ...common, schema, additionalPrinterColumns: [{ ...column, jsonPath: '.spec.a' }] };
  expect(converted(stored)).toEqual({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {},
    status,
    spec: {
      group: 'example.com',
      names: { ...names, singular: 'widget', listKind: 'WidgetList' },
      scope: 'Cluster',
      versions: [
        { ...v1, ...parts },
        { ...v2, deprecated: true, ...parts },
      ],
      conversion: {
        strategy: 'Webhook',
        webhook: {
          clientConfig: { service: { name: 'a', namespace: 'b', port: 443 } },
          conversionReviewVersions: ['v1beta1'],
        },
      },
    },
  });
});

it('what versions have of their own stays with them', () => {
  const versions = [{ name: 'v1', served: true, storage: true, schema }];
  expect(converted({ versions, conversion: { strategy: 'None' }, preserveUnknownFields: false })).toMatchObject({
    spec: { scope: 'Namespaced', versions, conversion: { strategy: 'None' } },
  });
});

it('before there were versions there was one, of which everything was kept', () => {
  expect(converted({ version: 'v1' })).toMatchObject({
    spec: { preserveUnknownFields: true, versions: [{ name: 'v1', served: true, storage: true }] },
  });
});
