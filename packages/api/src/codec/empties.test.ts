import { expect, test } from 'vitest';
import { structType, typeOfKind } from '../schema.ts';
import { emptiesToNull } from './empties.ts';

test('empty lists without omitempty become null, at any depth; others stay', () => {
  const role = { metadata: {}, rules: [] as unknown[] | null };
  emptiesToNull(role, typeOfKind('rbac.authorization.k8s.io', 'v1', 'Role')!);
  expect(role.rules).toBeNull();

  const deeper = { metadata: {}, rules: [{ verbs: [], resources: ['pods'] }] };
  emptiesToNull(deeper, typeOfKind('rbac.authorization.k8s.io', 'v1', 'Role')!);
  expect(deeper.rules[0]).toEqual({ verbs: null, resources: ['pods'] });
});

test('a type that contains itself is walked', () => {
  const schema = { properties: { a: { required: ['x'] } } };
  emptiesToNull(schema, structType('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'));
  expect(schema).toEqual({ properties: { a: { required: ['x'] } } });
});
