import { expect, test } from 'vitest';
import { compile, DYN, environment, JSON_PATCH, misnamedTypes, OBJECT_TYPES, toJson } from '../index.ts';

const env = environment(OBJECT_TYPES, JSON_PATCH, { variables: { object: DYN } });

function evaluate(text: string, object: unknown = {}) {
  const compiled = compile(env, text);
  if (compiled.issues) throw new Error(compiled.issues.message);
  return compiled.program().evaluate({ object }).value;
}

test('an object is constructed of what is there and what is new', () => {
  const text = `Object{
    metadata: Object.metadata{labels: {'a': 'b'}},
    spec: Object.spec{
      ?replicas: optional.none(),
      containers: object.spec.containers.map(c, Object.spec.containers{name: c.name, ports: [80, 443]}),
      template: object.spec.template,
    },
  }`;
  const template = { deep: [{ x: 1.5 }] };
  const value = evaluate(text, { spec: { containers: [{ name: 'a' }], template } });
  expect(misnamedTypes(value)).toEqual([]);
  expect(toJson(value)).toEqual({
    metadata: { labels: { a: 'b' } },
    spec: { containers: [{ name: 'a', ports: [80, 443] }], template },
  });
});

test('types are named after the fields that lead to them', () => {
  const value = evaluate('Object{spec: Object.status{x: 1}}');
  expect(misnamedTypes(value)).toEqual([
    'unexpected type name "Object.status", expected "Object.spec", which matches field name path from root Object type',
  ]);
});

test('patches', () => {
  const text =
    "[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b~c'), value: Object.x{y: 1u}}]";
  expect(toJson(evaluate(text))).toEqual([{ op: 'add', path: '/metadata/labels/a~1b~0c', value: { y: 1 } }]);
  expect(() => evaluate('JSONPatch{op: 1}')).toThrow(
    "expected type of field 'op' is 'string' but provided type is 'int'",
  );
});

test('what JSON has no form for', () => {
  expect(() => toJson(evaluate("quantity('1')"))).toThrow("type conversion error from 'kubernetes.Quantity' to JSON");
  expect(() => toJson(evaluate('{1: 2}'))).toThrow('map key "1" is of type int, not string');
});
