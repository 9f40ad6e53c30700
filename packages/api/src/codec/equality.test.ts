import { expect, it } from 'vitest';
import { structType, typeOfKind } from '../schema.ts';
import { EmptyMap } from './canonical.ts';
import { semanticEqual } from './equality.ts';
import { decodeJson } from './json.ts';
import { fixtures } from './testing.ts';

const POD = typeOfKind('', 'v1', 'Pod')!;
const CRD = typeOfKind('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition')!;
const schema = (inner: unknown) => ({ spec: { versions: [{ schema: { openAPIV3Schema: inner } }] } });

it.each([
  [{ spec: { containers: null } }, { spec: { containers: [] } }, true],
  [{ spec: { overhead: { memory: '1Gi' } } }, { spec: { overhead: { memory: '1024Mi' } } }, true],
  [{ spec: { overhead: { memory: '1Gi' } } }, { spec: { overhead: { memory: '1G' } } }, false],
  [{ metadata: { labels: {} } }, { metadata: {} }, true],
  [{ metadata: { labels: { a: '' } } }, { metadata: { labels: { b: '' } } }, false],
  [{ metadata: { labels: { a: '1', b: '2' } } }, { metadata: { labels: { b: '2', a: '1' } } }, true],
  [{ spec: { securityContext: {} } }, { spec: {} }, false],
  [{ spec: { priority: 0 } }, { spec: {} }, false],
  [{ spec: { containers: [{ name: 'a' }] } }, { spec: { containers: [{ name: 'b' }] } }, false],
])('%j and %j: %j', (a, b, equal) => {
  expect(semanticEqual(a, b, POD)).toBe(equal);
  expect(semanticEqual(b, a, POD)).toBe(equal);
});

it.each([
  [{ items: { type: 'x' } }, { items: [{ type: 'x' }] }, false],
  [{ items: { enum: [] } }, { items: {} }, true],
  [{ additionalProperties: true }, { additionalProperties: {} }, false],
  [{ default: { a: [1] } }, { default: { a: [1] } }, true],
  [{ default: { a: [] } }, { default: {} }, false],
])('schemas %j and %j: %j', (a, b, equal) => expect(semanticEqual(schema(a), schema(b), CRD)).toBe(equal));

it.each([
  [{ env: [{ name: 'A', value: '1' }] }, { env: [{ name: 'A', value: '1000m' }] }, false],
  [{ resources: { limits: { memory: '1Gi' } } }, { resources: { limits: { memory: '1073741824' } } }, true],
  [{ resources: { limits: { memory: '1Gi' } } }, { resources: { limits: { cpu: '1Gi' } } }, false],
])('containers %j and %j: %j', (a, b, equal) => {
  expect(semanticEqual(a, b, structType('io.k8s.api.core.v1.Container'))).toBe(equal);
});

it.each([
  [{ a: 1, b: { c: 2, d: 3 } }, { a: 1, b: { c: 2, d: 3 } }, true],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }, false],
  [{ a: 1, b: { c: 2, d: 3 } }, { a: 1, b: { d: 3, c: 2 } }, false],
  [{ a: null }, {}, false],
])('free-form values are texts: %j and %j: %j', (a, b, equal) => {
  const config = (parameters: unknown) => ({ driver: 'd', parameters });
  const type = structType('io.k8s.api.resource.v1.OpaqueDeviceConfiguration');
  expect(semanticEqual(config(a), config(b), type)).toBe(equal);
});

it('tells amounts by their type where texts have the same name', () => {
  const device = (value: string) => ({ capacity: { memory: { value } }, attributes: {} });
  expect(semanticEqual(device('1Gi'), device('1024Mi'), structType('io.k8s.api.resource.v1.Device'))).toBe(true);
});

it.each([
  [{ a: 1, b: [1] }, { b: [1], a: 1 }, true],
  [undefined, null, true],
  [[], undefined, true],
  [new EmptyMap(), undefined, true],
  [{ a: [] }, {}, true],
  [{}, { a: null }, true],
  [{}, undefined, false],
  [[1, 2], [2, 1], false],
  [[1], { 0: 1 }, false],
  ['', undefined, false],
  [{ limits: { memory: '1Gi' } }, { limits: { memory: '1024Mi' } }, false],
  [{ a: 1 }, { a: 1, b: 0 }, false],
])('without a type %j and %j: %j', (a, b, equal) => {
  expect(semanticEqual(a, b)).toBe(equal);
  expect(semanticEqual(b, a)).toBe(equal);
});

it('takes every object for equal to itself', () => {
  for (const { name, json, type } of fixtures()) {
    const decode = () => decodeJson(json, type, { strict: false }).object;
    expect(semanticEqual(decode(), decode(), type), name).toBe(true);
    const changed = decode() as { metadata?: { uid?: string } };
    if (!changed.metadata?.uid) continue;
    changed.metadata.uid = 'other';
    expect(semanticEqual(decode(), changed, type), name).toBe(false);
  }
});

it('finds in no object what every object inherits', () => {
  expect(semanticEqual({}, { constructor: 'x' })).toBe(false);
  expect(semanticEqual({ spec: {} }, { spec: { toString: 1 } })).toBe(false);
});
