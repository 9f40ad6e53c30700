import type { GroupVersionKind } from '@keelson/api/object';
import { typeOfKind } from '@keelson/api/schema';
import { expect, test } from 'vitest';
import { CustomForm } from '../../crd/form.ts';
import { customSchema } from '../../crd/schema/index.ts';
import { type ObjectForm, typedForm } from '../../registry/form.ts';
import type { ServedResource } from '../../registry/resource.ts';
import type { Resources } from '../../resources.ts';
import { type Form, formsOf } from './forms.ts';

function ownForm(form: ObjectForm, { group, version, kind }: GroupVersionKind): Form {
  const definition = { group, kind, resource: 'things', registration: { strategy: {} } };
  const served = { definition, version, form, subresources: new Map() } as unknown as ServedResource;
  const resources = { find: () => served, all: () => [] } as unknown as Resources;
  return formsOf(resources)({ group, version, resource: 'things' }, '').own;
}

const map = { group: '', version: 'v1', kind: 'ConfigMap' };
const autoscaler = { group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler' };
const thing = { group: 'example.com', version: 'v1', kind: 'Thing' };
const custom = new CustomForm('example.com', 'Thing', customSchema(undefined, { kind: thing, namespaced: true }));

test.each<[GroupVersionKind, object, object | string]>([
  [map, {}, map],
  [map, { kind: 'ConfigMap', apiVersion: 'v1' }, map],
  [map, { kind: 'Nope' }, 'no kind "Nope" is registered for version "v1" in scheme'],
  [map, { apiVersion: 'v2' }, 'no kind "ConfigMap" is registered for version "v2" in scheme'],
  [map, { apiVersion: 'a/b/c' }, 'unexpected GroupVersion string: a/b/c'],
  [map, { kind: 'Pod' }, 'converting (v1.Pod) to (core.ConfigMap): unknown conversion'],
  [map, { kind: 'Pod', spec: 5 }, 'json: cannot unmarshal number into Go struct field Pod.spec of type v1.PodSpec'],
  [autoscaler, { apiVersion: 'autoscaling/v1' }, { kind: 'HorizontalPodAutoscaler' }],
  [thing, { kind: 'Other', apiVersion: 'example.com/v1' }, { kind: 'Other' }],
  [thing, { kind: 'Thing', apiVersion: 'example.com/v2' }, { kind: 'Thing', apiVersion: 'example.com/v1' }],
  [thing, { apiVersion: 'example.com/v1' }, `Object 'Kind' is missing in '{"apiVersion":"example.com/v1"}'`],
  [
    thing,
    { kind: 'Thing', apiVersion: 'v1' },
    '/v1, Kind=Thing is unstructured and is not suitable for converting to "example.com/v1"',
  ],
])('%j that has become %j', (kind, document, expected) => {
  const form = ownForm(kind === thing ? custom : typedForm(typeOfKind(kind.group, kind.version, kind.kind)!), kind);
  const decode = () => form.decode(document as Record<string, unknown>);
  if (typeof expected === 'string') expect(decode).toThrow(expected);
  else expect(decode()).toMatchObject('group' in expected ? { kind: kind.kind, apiVersion: 'v1' } : expected);
});
