import { expect, test } from 'vitest';
import { structType, typeOfKind } from '../schema.ts';
import { EmptyMap } from './canonical.ts';
import { copyOf, emptiesToNull, withoutEmpties } from './empties.ts';
import { decodeJson } from './json.ts';

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

test('what is empty can be kept while a request is under way, and is dropped without touching the rest', () => {
  const type = typeOfKind('', 'v1', 'Pod')!;
  const text =
    '{"metadata":{"name":"a","labels":{}},"spec":{"containers":[{"name":"c","ports":[],"lifecycle":{}}],"nodeSelector":{}}}';
  const read = (keepsEmpty: boolean) => decodeJson(Buffer.from(text), type, { strict: false, keepsEmpty }).object;
  const kept = read(true);
  expect(kept).toMatchObject({
    metadata: { labels: {} },
    spec: { containers: [{ ports: [], lifecycle: {} }], nodeSelector: {} },
  });
  expect(withoutEmpties(kept, type)).toEqual(read(false));
  const canonical = read(false);
  expect(withoutEmpties(canonical, type)).toBe(canonical);
});

test('a copy shares nothing, whatever its keys are', () => {
  const value = JSON.parse('{"__proto__":{"a":1}}') as Record<string, { a: number }>;
  const copy = copyOf(value);
  Object.values(copy)[0]!.a = 2;
  expect(JSON.stringify([value, copy])).toBe('[{"__proto__":{"a":1}},{"__proto__":{"a":2}}]');
});

test('a copy tells empty maps from empty structs', () => {
  const copy = copyOf({ map: new EmptyMap(), struct: {}, list: [new EmptyMap()] });
  expect([copy.map, copy.struct, copy.list[0]].map((x) => x instanceof EmptyMap)).toEqual([true, false, true]);
});
