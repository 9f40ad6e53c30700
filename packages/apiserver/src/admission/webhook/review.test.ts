import type { KubeObject } from '@keelson/api/object';
import { typeOfKind } from '@keelson/api/schema';
import { expect, test } from 'vitest';
import { CustomForm } from '../../crd/form.ts';
import { customSchema } from '../../crd/schema/index.ts';
import { typedForm } from '../../registry/form.ts';
import { type Form, VersionedObjects } from '../matching/forms.ts';
import { request } from '../testing.ts';
import { encodeReview } from './review.ts';

const kind = { group: '', version: 'v1', kind: 'ConfigMap' };
const same = (object: KubeObject) => object;

test.each([
  [
    'a built-in kind, as its type has them',
    typedForm(typeOfKind('', 'v1', 'ConfigMap')!),
    '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","labels":{"x":"2","y":"1"}},"data":{"a":"1","b":"2"}}',
  ],
  [
    'a custom kind, by name',
    new CustomForm('', 'ConfigMap', customSchema(undefined, { kind, namespaced: true })),
    '{"apiVersion":"v1","data":{"a":"1","b":"2"},"kind":"ConfigMap","metadata":{"labels":{"x":"2","y":"1"},"name":"a"}}',
  ],
])('members of %s', async (_, form, written) => {
  const resource = { group: '', version: 'v1', resource: 'configmaps' };
  const object = {
    data: { b: '2', a: '1' },
    metadata: { labels: { y: '1', x: '2' }, name: 'a' },
    apiVersion: 'v1',
    kind: 'ConfigMap',
  };
  const seen: Form = { resource, kind, form, read: same, write: same, decode: (document) => document as KubeObject };
  const objects = await VersionedObjects.of(request('CREATE', 'configmaps', object), seen);
  const text = encodeReview('v1', 'u', objects).toString();
  expect(text).toContain(`},"object":${written},"oldObject":null,"dryRun":false,"options":`);
  expect(text.endsWith('}\n')).toBe(true);
});
