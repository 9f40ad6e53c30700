import { expect, test } from 'vitest';
import { normalize } from '../codec/json.ts';
import { type Field, type StructType, type Type, typeOfKind } from '../schema.ts';
import { fromUnstructured, holdsRaw } from './unstructured.ts';
import type { JsonObject } from './value.ts';

const deployment = typeOfKind('apps', 'v1', 'Deployment')!;
const pod = typeOfKind('', 'v1', 'Pod')!;
const secret = typeOfKind('', 'v1', 'Secret')!;
const template = (spec: object) => ({ spec: { template: { spec } } });

test.each<[JsonObject, string]>([
  [{ metadata: [] }, 'cannot restore struct from: slice'],
  [{ metadata: 'x' }, 'cannot restore struct from: string'],
  [{ metadata: { labels: true } }, 'cannot restore map from bool'],
  [{ metadata: { labels: { a: 1 } } }, 'cannot convert int64 to string'],
  [{ metadata: { labels: { a: 2 ** 63 } } }, 'unrecognized type: string'],
  [{ metadata: { labels: { a: 1.5 } } }, 'unrecognized type: string'],
  [{ metadata: { finalizers: {} } }, 'cannot restore slice from map'],
  [{ spec: { replicas: 'x' } }, 'unrecognized type: int32'],
  [{ spec: { replicas: 1.5 } }, 'cannot convert float64 to int32'],
  [{ spec: { paused: 1 } }, 'unrecognized type: bool'],
  [template({ containers: [{ imagePullPolicy: 1 }] }), 'cannot convert int64 to v1.PullPolicy'],
  [template({ dnsPolicy: {} }), 'unrecognized type: string'],
  [
    { spec: { strategy: { rollingUpdate: { maxSurge: [2] } } } },
    'json: cannot unmarshal array into Go value of type int32',
  ],
  [{ metadata: { creationTimestamp: 5 } }, 'json: cannot unmarshal number into Go value of type string'],
])('%j', (object, message) => {
  expect(() => fromUnstructured(object, deployment)).toThrow(message);
});

test('bytes are a list', () => {
  expect(() => fromUnstructured({ data: { a: 1 } }, secret)).toThrow('cannot restore slice from int64');
  expect(() => fromUnstructured({ data: { a: [[]] } }, secret)).toThrow('unrecognized type: uint8');
  expect(() => fromUnstructured({ data: { a: '!' } }, secret)).toThrow(
    'error decoding from json: illegal base64 data at input byte 0',
  );
  expect(fromUnstructured({ data: { a: 'YQ==' } }, secret).object).toEqual({ data: { a: 'YQ==' } });
});

test('integers are cut', () => {
  expect(fromUnstructured({ spec: { replicas: 2 ** 32 + 3 } }, deployment).object).toEqual({ spec: { replicas: 3 } });
  expect(fromUnstructured({ spec: { replicas: 1e19 } }, deployment).object).toEqual({ spec: { replicas: 0 } });
});

test.each([
  [2 ** 63, -(2n ** 63n)],
  [-1e20, -(2n ** 63n)],
  [2 ** 60, 2n ** 60n],
  [-5, -5],
])('%d as an integer of 64 bits is %d', (seconds, expected) => {
  const { object } = fromUnstructured({ spec: { activeDeadlineSeconds: seconds } }, pod);
  expect(object).toEqual({ spec: { activeDeadlineSeconds: expected } });
  expect(normalize(object, pod)).toMatchObject({ spec: { activeDeadlineSeconds: expected } });
});

test('unknown fields, sorted', () => {
  const object = {
    zip: 1,
    spec: { nope: 1, template: { spec: { containers: [{ zap: {} }], volumes: [{ emptyDir: { x: 1 } }] } } },
  };
  expect(fromUnstructured(object, deployment).unknownFields).toEqual([
    'unknown field "spec.nope"',
    'unknown field "spec.template.spec.containers[0].zap"',
    'unknown field "spec.template.spec.volumes[0].emptyDir.x"',
    'unknown field "zip"',
  ]);
});

test('values of any shape have been Go maps', () => {
  const revision = typeOfKind('apps', 'v1', 'ControllerRevision')!;
  const { object } = fromUnstructured({ data: { z: [{ b: 1, a: 2 }], a: 1 }, revision: 1 }, revision);
  expect(JSON.stringify(object)).toBe('{"data":{"a":1,"z":[{"a":2,"b":1}]},"revision":1}');
});

test.each([
  ['apps', 'ControllerRevision', true],
  ['resource.k8s.io', 'ResourceClaim', true],
  ['apps', 'Deployment', false],
  ['apiextensions.k8s.io', 'CustomResourceDefinition', false],
])('%s %s has values of any shape: %s', (group, kind, holds) => {
  expect(holdsRaw(typeOfKind(group, 'v1', kind)!)).toBe(holds);
});

test('types that are within each other have values of any shape where one of them has', () => {
  const raw: Type = { kind: 'scalar', scalar: 'raw', goName: 'runtime.RawExtension' };
  const struct = (fields: () => Record<string, Type>): StructType => ({
    ...secret,
    get jsonFields() {
      return Object.entries(fields()).map(([json, type]) => ({ json, type }) as Field);
    },
  });
  const outer: StructType = struct(() => ({ inner, raw }));
  const inner: StructType = struct(() => ({ outer }));
  expect([outer, inner].map(holdsRaw)).toEqual([true, true]);
  const one: StructType = struct(() => ({ other, one }));
  const other: StructType = struct(() => ({ one }));
  expect([one, other].map(holdsRaw)).toEqual([false, false]);
});
