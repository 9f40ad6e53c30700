import { DecodeError } from '@keelson/api/codec/exact';
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import { expect, test } from 'vitest';
import { specSchema, textsOf, widget } from './testing.ts';

const resource: JSONSchemaProps = {
  type: 'object',
  'x-kubernetes-embedded-resource': true,
  'x-kubernetes-preserve-unknown-fields': true,
};
const one = specSchema(resource);
const many = specSchema({ type: 'object', additionalProperties: { type: 'array', items: resource } });
const pod = { apiVersion: 'v1', kind: 'Pod' };

test('metadata is put into its canonical form, and what it does not know is dropped', () => {
  const object = widget({
    ...pod,
    metadata: { name: 'x', creationTimestamp: null, labels: {}, nope: 1 },
    free: { x: 1 },
  });
  expect(one.prune(object)).toEqual(['spec.metadata.nope']);
  expect(object.spec).toEqual({ ...pod, metadata: { name: 'x' }, free: { x: 1 } });
  const long = widget({ ...pod, metadata: { name: 'x', namespace: 'n', labels: { b: '', a: '' } } });
  one.prune(long);
  expect(JSON.stringify((long.spec as typeof long).metadata)).toBe(
    '{"labels":{"a":"","b":""},"name":"x","namespace":"n"}',
  );
  const listed = widget({ 'a.b': [{ ...pod, metadata: { nope: 1 } }] });
  expect(many.prune(listed)).toEqual(['spec[a.b][0].metadata.nope']);
});

test('fields of a wrong type are refused, or dropped', () => {
  const make = () => widget({ apiVersion: 1, kind: 'Pod', metadata: { name: 'x', labels: 'none' } });
  expect(() => one.prune(make())).toThrow(new DecodeError('spec.apiVersion: Invalid value: 1: must be a string'));
  expect(() => one.prune(widget({ ...pod, metadata: { labels: 'none' } }))).toThrow(
    'spec.metadata: Invalid value: {"labels":"none"}: json: cannot unmarshal string into Go struct field ObjectMeta.labels of type map[string]string',
  );
  expect(() => one.prune(widget({ ...pod, metadata: { creationTimestamp: 'x' } }))).toThrow(
    'spec.metadata: Invalid value: {"creationTimestamp":"x"}: parsing time "x" as',
  );
  const object = make();
  expect(one.prune(object, { dropsMalformed: true })).toEqual([]);
  expect(object.spec).toEqual({ kind: 'Pod', metadata: { name: 'x' } });
});

test.each<[unknown, string[]]>([
  [{ ...pod, metadata: { name: 'x' } }, []],
  [{ ...pod }, []],
  [{}, ['spec.apiVersion: Required value', 'spec.kind: Required value']],
  [
    { apiVersion: '', kind: '' },
    ['spec.apiVersion: Invalid value: "": must not be empty', 'spec.kind: Invalid value: "": must not be empty'],
  ],
  [{ ...pod, apiVersion: 'a/b/c' }, ['spec.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c']],
  [{ ...pod, metadata: { generateName: '..' } }, []],
  [
    { ...pod, metadata: { name: 'a/b', namespace: 'Bad' } },
    [
      `spec.metadata.name: Invalid value: "a/b": may not contain '/'`,
      `spec.metadata.namespace: Invalid value: "Bad": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
    ],
  ],
])('%j', (value, expected) => expect(textsOf(one.validate(widget(value)))).toEqual(expected));

test('a kind is almost a label', () => {
  const [text] = textsOf(one.validate(widget({ ...pod, kind: 'Bad_Kind' })));
  expect(text).toMatch(
    /^spec.kind: Invalid value: "Bad_Kind": may have mixed case, but should otherwise match: a DNS-1035 label/,
  );
});
