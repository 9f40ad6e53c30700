import { expect, test } from 'vitest';
import { structType, typeOfKind } from '../schema.ts';
import { compare } from './compare.ts';
import { fieldsOf } from './ownership.ts';
import { type ApplySchema, applySchemaOf, DEDUCED } from './schema.ts';

const spec = applySchemaOf(structType('io.k8s.api.core.v1.PodSpec'));
const meta = applySchemaOf(structType('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'));
const service = applySchemaOf(structType('io.k8s.api.core.v1.ServiceSpec'));
const configMap = applySchemaOf(typeOfKind('', 'v1', 'ConfigMap')!);

test.each<[string, ApplySchema, unknown, unknown, object]>([
  ['a scalar', meta, { name: 'a' }, { name: 'b' }, { modified: { 'f:name': {} } }],
  [
    'a new object with what is in it',
    spec,
    {},
    { securityContext: { runAsUser: 1 } },
    { added: { 'f:securityContext': { '.': {}, 'f:runAsUser': {} } } },
  ],
  [
    'a member of an object that is there',
    spec,
    { securityContext: {} },
    { securityContext: { runAsUser: 1 } },
    { added: { 'f:securityContext': { 'f:runAsUser': {} } } },
  ],
  [
    'an emptied object',
    spec,
    { securityContext: { runAsUser: 1 } },
    { securityContext: {} },
    { removed: { 'f:securityContext': { 'f:runAsUser': {} } } },
  ],
  ['null to empty', spec, { containers: null }, { containers: [] }, { modified: { 'f:containers': {} } }],
  [
    'items',
    spec,
    { containers: [{ name: 'a', image: '1' }, { name: 'b' }] },
    { containers: [{ name: 'c' }, { name: 'a', image: '2' }] },
    {
      added: { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:name': {} } } },
      removed: { 'f:containers': { 'k:{"name":"b"}': { '.': {}, 'f:name': {} } } },
      modified: { 'f:containers': { 'k:{"name":"a"}': { 'f:image': {} } } },
    },
  ],
  [
    'an absent key has its default',
    service,
    { ports: [{ port: 80 }] },
    { ports: [{ port: 80, protocol: 'TCP' }] },
    { added: { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { 'f:protocol': {} } } } },
  ],
  [
    'an absent key that is always written is zero',
    spec,
    { containers: [] },
    { containers: [{ image: 'a' }] },
    { added: { 'f:containers': { 'k:{"name":""}': { '.': {}, 'f:image': {} } } } },
  ],
  [
    'an absent key with an empty default',
    spec,
    {},
    { imagePullSecrets: [{}] },
    { added: { 'f:imagePullSecrets': { '.': {}, 'k:{"name":""}': {} } } },
  ],
  [
    'sets',
    meta,
    { finalizers: ['b', 'a'] },
    { finalizers: ['c', 'a'] },
    { added: { 'f:finalizers': { 'v:"c"': {} } }, removed: { 'f:finalizers': { 'v:"b"': {} } } },
  ],
  [
    'atoms',
    service,
    { selector: { a: '1' }, clusterIPs: ['x'] },
    { selector: { a: '1', b: '2' }, clusterIPs: ['x', 'y'] },
    { modified: { 'f:clusterIPs': {}, 'f:selector': {} } },
  ],
  [
    'new duplicates are one atom',
    meta,
    { finalizers: ['a'] },
    { finalizers: ['a', 'a'] },
    { added: { 'f:finalizers': { 'v:"a"': {} } }, removed: { 'f:finalizers': { 'v:"a"': {} } } },
  ],
  [
    'duplicates that change',
    spec,
    { containers: [{ name: 'a' }, { name: 'a' }] },
    { containers: [{ name: 'a' }, { name: 'a', tty: true }] },
    { modified: { 'f:containers': { 'k:{"name":"a"}': {} } } },
  ],
  [
    'duplicates that go',
    spec,
    { containers: [{ name: 'a' }, { name: 'a' }] },
    { containers: [{ name: 'a' }] },
    {
      added: { 'f:containers': { 'k:{"name":"a"}': { '.': {}, 'f:name': {} } } },
      removed: { 'f:containers': { 'k:{"name":"a"}': {} } },
    },
  ],
  [
    'any value: objects by member, lists whole',
    DEDUCED,
    { a: { b: 1 }, l: [1] },
    { a: { c: 1 }, l: [2] },
    { added: { 'f:a': { 'f:c': {} } }, removed: { 'f:a': { 'f:b': {} } }, modified: { 'f:l': {} } },
  ],
  [
    'any value: another shape',
    DEDUCED,
    { a: { b: 1 } },
    { a: [1] },
    { removed: { 'f:a': { 'f:b': {} } }, modified: { 'f:a': {} } },
  ],
  [
    'keys are sorted',
    meta,
    {},
    { labels: { b: '', a: '', '\u{1f600}': '', '\uffee': '' } },
    { added: { 'f:labels': { '.': {}, 'f:a': {}, 'f:b': {}, 'f:\uffee': {}, 'f:\u{1f600}': {} } } },
  ],
  [
    'names that objects inherit',
    meta,
    { labels: {} },
    { labels: { constructor: '1' } },
    { added: { 'f:labels': { 'f:constructor': {} } } },
  ],
  [
    'nothing',
    spec,
    { containers: [{ name: 'a' }], nodeSelector: {} },
    { containers: [{ name: 'a' }], nodeSelector: {} },
    {},
  ],
])('%s', (_, schema, before, after, expected) => {
  const sets = { added: {}, removed: {}, modified: {}, ...expected };
  const { added, removed, modified } = compare(before, after, schema);
  expect(JSON.stringify({ added, removed, modified })).toBe(JSON.stringify(sets));
});

test.each<[ApplySchema, unknown, string]>([
  [spec, { containers: [null] }, 'associative list with keys may not have a null element'],
  [spec, { containers: [1] }, 'associative list with keys may not have non-map elements'],
  [meta, { finalizers: [null] }, "associative list without keys has an element that's an explicit null"],
  [
    applySchemaOf(typeOfKind('', 'v1', 'ServiceAccount')!),
    { secrets: [{ kind: 'x' }] },
    'associative list with keys has an element that omits all key fields ["name"] (and doesn\'t have default values for any key fields)',
  ],
])('items that cannot be told apart', (schema, value, message) => {
  expect(() => compare({}, value, schema)).toThrow(message);
});

test.each<[string, ApplySchema, unknown, object]>([
  [
    'objects of a declared type are not owned',
    spec,
    { securityContext: { runAsUser: 1 } },
    { 'f:securityContext': { 'f:runAsUser': {} } },
  ],
  [
    'unless they are empty or null',
    spec,
    { securityContext: {}, affinity: null },
    { 'f:affinity': {}, 'f:securityContext': {} },
  ],
  ['members of a map are', configMap, { data: { a: '1' } }, { 'f:data': { 'f:a': {} } }],
  ['an empty map is', configMap, { data: {}, binaryData: null }, { 'f:binaryData': {}, 'f:data': {} }],
  [
    'items are, with their keys',
    spec,
    { containers: [{ name: 'a', resources: { limits: { cpu: '1' } } }] },
    { 'f:containers': { 'k:{"name":"a"}': { '.': {}, 'f:name': {}, 'f:resources': { 'f:limits': { 'f:cpu': {} } } } } },
  ],
  ['an empty list is not, an atom is', spec, { containers: [], tolerations: [] }, { 'f:tolerations': {} }],
  [
    'members of no declared type are',
    DEDUCED,
    { a: { b: { c: 1 } } },
    { 'f:a': { '.': {}, 'f:b': { '.': {}, 'f:c': {} } } },
  ],
])('fields of a configuration: %s', (_, schema, value, expected) => {
  expect(JSON.stringify(fieldsOf(value, schema))).toBe(JSON.stringify(expected));
});
