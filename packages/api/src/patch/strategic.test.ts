import { expect, test } from 'vitest';
import { structType, typeOfKind } from '../schema.ts';
import { applyStrategicPatch, decodeStrategicPatch } from './strategic.ts';
import type { JsonObject } from './value.ts';

const podSpec = structType('io.k8s.api.core.v1.PodSpec');
const meta = structType('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');
const configMap = typeOfKind('', 'v1', 'ConfigMap')!;
const schemaProps = structType('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps');
const csr = typeOfKind('certificates.k8s.io', 'v1', 'CertificateSigningRequest')!;

const names = (...all: string[]) => all.map((name) => ({ name }));

test.each<[string, typeof podSpec, JsonObject, JsonObject, JsonObject]>([
  [
    'items merge by their key',
    podSpec,
    { containers: [{ name: 'a', image: '1', tty: true }, { name: 'b' }] },
    { containers: [{ name: 'a', image: '2' }] },
    { containers: [{ name: 'a', image: '2', tty: true }, { name: 'b' }] },
  ],
  [
    'new items come first where the live list does not know them',
    podSpec,
    { containers: names('a', 'b') },
    { containers: names('c') },
    { containers: names('c', 'a', 'b') },
  ],
  [
    'named items keep the order of the patch, others their place',
    podSpec,
    { containers: names('a', 'b', 'c', 'd') },
    { containers: names('d', 'b') },
    { containers: names('a', 'c', 'd', 'b') },
  ],
  [
    'other lists are replaced',
    podSpec,
    { tolerations: [{ key: 'a' }] },
    { tolerations: [{ key: 'b' }] },
    { tolerations: [{ key: 'b' }] },
  ],
  [
    'lists of scalars merge as sets',
    meta,
    { finalizers: ['a', 'b'] },
    { finalizers: ['c', 'a'] },
    { finalizers: ['c', 'a', 'b'] },
  ],
  [
    'scalars leave such a list',
    meta,
    { finalizers: ['a', 'b', 'c'] },
    { '$deleteFromPrimitiveList/finalizers': ['b', 'q'] },
    { finalizers: ['a', 'c'] },
  ],
  [
    'null removes, also what is not there',
    meta,
    { labels: { a: '1', b: '2' } },
    { labels: { a: null, c: null }, name: null },
    { labels: { b: '2' } },
  ],
  ['what is new loses its nulls', meta, {}, { labels: { a: null, b: '1' } }, { labels: { b: '1' } }],
  [
    'an item that is new keeps them',
    podSpec,
    { containers: names('a') },
    { containers: [{ name: 'b', image: null }] },
    { containers: [{ name: 'b', image: null }, { name: 'a' }] },
  ],
  [
    '$patch: replace in an object',
    configMap,
    { data: { a: '1' } },
    { data: { $patch: 'replace', b: '2' } },
    { data: { b: '2' } },
  ],
  [
    '$patch: delete in an object',
    configMap,
    { data: { a: '1' } },
    { data: { $patch: 'delete', b: '2' } },
    { data: {} },
  ],
  [
    '$patch in an object that is not there',
    configMap,
    { immutable: true },
    { data: { $patch: 'delete' } },
    { immutable: true },
  ],
  [
    '$patch: delete in an item',
    podSpec,
    { containers: names('a', 'b', 'c') },
    {
      containers: [
        { name: 'b', $patch: 'delete' },
        { name: 'q', $patch: 'delete' },
      ],
    },
    { containers: names('a', 'c') },
  ],
  [
    '$patch: replace in an item replaces the list',
    podSpec,
    { containers: names('a', 'b') },
    { containers: [{ $patch: 'replace' }, { name: 'c' }] },
    { containers: names('c') },
  ],
  [
    '$setElementOrder alone',
    podSpec,
    { containers: names('a', 'b', 'c') },
    { '$setElementOrder/containers': names('c', 'a') },
    { containers: names('b', 'c', 'a') },
  ],
  [
    '$setElementOrder with a patch',
    podSpec,
    { containers: names('a', 'b') },
    { '$setElementOrder/containers': names('c', 'b', 'a'), containers: [{ name: 'c', image: '1' }] },
    { containers: [{ name: 'c', image: '1' }, { name: 'b' }, { name: 'a' }] },
  ],
  [
    '$setElementOrder of scalars',
    meta,
    { finalizers: ['a', 'b'] },
    { '$setElementOrder/finalizers': ['b', 'c'], finalizers: ['c'] },
    { finalizers: ['a', 'b', 'c'] },
  ],
  [
    '$retainKeys clears the others',
    podSpec,
    { volumes: [{ name: 'v', emptyDir: {} }] },
    { volumes: [{ name: 'v', $retainKeys: ['name', 'configMap'], configMap: { name: 'c' } }] },
    { volumes: [{ name: 'v', configMap: { name: 'c' } }] },
  ],
  [
    'names match without regard to case',
    configMap,
    { DATA: { a: '1' } },
    { DATA: { b: '2' } },
    { DATA: { a: '1', b: '2' } },
  ],
])('%s', (_, type, original, patch, expected) => {
  const before = structuredClone(original);
  expect(applyStrategicPatch(original, patch, type)).toEqual(expected);
  expect(original).toEqual(before);
});

test.each<[number, string, typeof podSpec, JsonObject, JsonObject]>([
  [
    500,
    'map: map[image:k:1] does not contain declared merge key: name',
    podSpec,
    { containers: names('a') },
    { containers: [{ image: 'k:1' }] },
  ],
  [500, 'unknown patch type: frob in map: map[$patch:frob]', configMap, { data: {} }, { data: { $patch: 'frob' } }],
  [500, 'unknown patch type: %!s(int64=1) in map: map[$patch:1]', configMap, { data: {} }, { data: { $patch: 1 } }],
  [
    500,
    'merging lists cannot yet be specified in the patch',
    podSpec,
    { containers: names('a') },
    { containers: [{ name: 'a', $patch: 'merge' }] },
  ],
  [400, 'invalid patch format of retainKeys', configMap, { data: {} }, { data: { $retainKeys: 'a' } }],
  [400, 'invalid patch format of retainKeys', configMap, { data: {} }, { data: { $retainKeys: ['a'], b: '1' } }],
  [400, 'invalid patch format of primitive list', meta, { finalizers: ['a'] }, { $deleteFromPrimitiveList: ['a'] }],
  [400, 'invalid patch format of setElementOrder list', meta, { finalizers: ['a'] }, { $setElementOrder: ['a'] }],
  [
    500,
    'expected a []interface {}, but received a string',
    meta,
    { finalizers: ['a'] },
    { '$setElementOrder/finalizers': 'a' },
  ],
  [
    500,
    "The order in patch list:\n[b a]\n doesn't match $setElementOrder list:\n[a b]\n",
    meta,
    { finalizers: ['a'] },
    { '$setElementOrder/finalizers': ['a', 'b'], finalizers: ['b', 'a'] },
  ],
  [500, 'list element types are not identical: [[a] [1]]', meta, { finalizers: ['a'] }, { finalizers: [1] }],
  [
    422,
    'the server rejected our request due to an error in our request',
    meta,
    { finalizers: [['a']] },
    { finalizers: ['a'] },
  ],
  [
    500,
    'unable to find api field in struct ConfigMap for the json field "nope"',
    configMap,
    { nope: {} },
    { nope: {} },
  ],
  [
    500,
    'unable to find api field in struct JSONSchemaPropsOrArray for the json field "items"',
    schemaProps,
    { items: { items: {} } },
    { items: { items: {} } },
  ],
  [
    500,
    'merging an object in json but data type is not struct, instead is: map',
    csr,
    { spec: { extra: { a: ['1'] } } },
    { spec: { extra: { a: ['2'] } } },
  ],
])('%i %s', (code, message, type, original, patch) => {
  expect(() => applyStrategicPatch(original, patch, type)).toThrow(expect.objectContaining({ code, message }));
});

test('what is left of a patch shows in errors of its result', () => {
  const patch: JsonObject = { data: { $retainKeys: ['a'], a: '1' }, zip: 1 };
  applyStrategicPatch({ data: { b: '2' } }, patch, configMap);
  expect(patch).toEqual({ data: { a: '1' }, zip: 1 });
});

test('a key like __proto__ is a member', () => {
  const patch = JSON.parse('{"data":{"__proto__":"1"}}') as JsonObject;
  expect(JSON.stringify(applyStrategicPatch({ data: { a: '1' } }, patch, configMap))).toBe(
    '{"data":{"a":"1","__proto__":"1"}}',
  );
});

test('the shape of a patch', () => {
  expect(decodeStrategicPatch(null)).toEqual({});
  expect(() => decodeStrategicPatch([])).toThrow(
    'json: cannot unmarshal array into Go value of type map[string]interface {}',
  );
});

test.each<[string, (index: number) => JsonObject, number]>([
  ['merged, in another order', (i) => ({ name: `V${i}`, value: 'b' }), 20_000],
  ['taken away', (i) => ({ name: `V${i}`, $patch: 'delete' }), 0],
])('as many items as a body may hold are %s, in a time that goes by their number', (_, change, left) => {
  const items = (item: (index: number) => JsonObject) => Array.from({ length: 20_000 }, (__, i) => item(i));
  const original = { containers: [{ name: 'a', env: items((i) => ({ name: `V${i}`, value: 'a' })) }] };
  const patch = { containers: [{ name: 'a', env: items(change).reverse() }] };
  const startedAt = performance.now();
  const merged = applyStrategicPatch(original, patch, podSpec) as { containers: { env: JsonObject[] }[] };
  // By their square they took six to twelve seconds.
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  const { env } = merged.containers[0]!;
  expect(env).toHaveLength(left);
  expect(env.slice(0, 1)).toEqual(left > 0 ? [{ name: 'V19999', value: 'b' }] : []);
});
