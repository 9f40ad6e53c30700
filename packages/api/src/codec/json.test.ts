import { describe, expect, it } from 'vitest';
import type { Pieces } from '../pieces.ts';
import { type StructType, typeOfKind } from '../schema.ts';
import { canonicalTree } from './canonical.ts';
import { decodeExactly } from './exact.ts';
import { decodeJson, encodeJson, normalize, openJson } from './json.ts';
import { fixtures } from './testing.ts';

const type = (kind: string, group = '', version = 'v1') => typeOfKind(group, version, kind)!;
const POD = type('Pod');
const CONFIG_MAP = type('ConfigMap');
const CRD = type('CustomResourceDefinition', 'apiextensions.k8s.io');

const decode = (text: string, as = POD, strict = true) => decodeJson(Buffer.from(text), as, { strict });
const canonical = (text: string, as = POD) => encodeJson(decode(text, as, false).object).toString();
const problem = (text: string, as = POD): string => {
  try {
    decode(text, as);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

it('keys of maps are in the order of their bytes', () => {
  const text = '{"metadata":{},"data":{"\u{1f600}":"3","b":"1","\uffee":"2"}}';
  expect(canonical(text, CONFIG_MAP)).toBe('{"metadata":{},"data":{"b":"1","\uffee":"2","\u{1f600}":"3"}}');
});

describe("upstream's encodings", () => {
  it.each(fixtures().map((f) => [f.name, f] as const))('%s', (_, { json, type }) => {
    const { object, strictErrors } = decodeJson(json, type, { strict: true });
    expect(strictErrors).toEqual([]);
    const compact = JSON.parse(json.toString()) as object;
    expect(encodeJson(object).toString()).toBe(encodeJson(compact).toString());
  });
});

describe('the canonical form', () => {
  const spec = '"spec":{"containers":null}';
  it.each([
    [
      'writes structs and drops zero values',
      '{"metadata":{"name":"","generation":0,"labels":{}}}',
      `{"metadata":{},${spec},"status":{}}`,
    ],
    [
      'takes null for absent',
      '{"metadata":null,"spec":{"nodeName":null,"containers":null},"status":null}',
      `{"metadata":{},${spec},"status":{}}`,
    ],
    [
      'puts fields in the order of the struct',
      '{"status":{},"metadata":{"uid":"u","name":"n"},"kind":"Pod"}',
      `{"kind":"Pod","metadata":{"name":"n","uid":"u"},${spec},"status":{}}`,
    ],
    [
      'sorts maps',
      '{"metadata":{"labels":{"b":"1","a":null}}}',
      `{"metadata":{"labels":{"a":"","b":"1"}},${spec},"status":{}}`,
    ],
    ['drops unknown fields', '{"foo":{"bar":[{"a":1}]}}', `{"metadata":{},${spec},"status":{}}`],
    [
      'keeps a pointer to a zero time',
      '{"metadata":{"deletionTimestamp":"0001-01-01T00:00:00Z"}}',
      `{"metadata":{"deletionTimestamp":null},${spec},"status":{}}`,
    ],
    [
      'drops a zero time',
      '{"metadata":{"creationTimestamp":"0001-01-01T00:00:00Z"}}',
      `{"metadata":{},${spec},"status":{}}`,
    ],
    [
      'makes zero structs of null elements',
      '{"spec":{"containers":[null]}}',
      '{"metadata":{},"spec":{"containers":[{"name":"","resources":{}}]},"status":{}}',
    ],
    [
      'merges duplicate structs',
      '{"metadata":{"name":"a"},"metadata":{"uid":"u"}}',
      `{"metadata":{"name":"a","uid":"u"},${spec},"status":{}}`,
    ],
    [
      'keeps zero values behind pointers',
      '{"spec":{"containers":[],"priority":0,"securityContext":{}}}',
      '{"metadata":{},"spec":{"containers":[],"securityContext":{},"priority":0},"status":{}}',
    ],
    [
      'rewrites quantities',
      '{"spec":{"containers":null,"overhead":{"cpu":1000000,"memory":"1048576","x":1e3,"y":null}}}',
      '{"metadata":{},"spec":{"containers":null,"overhead":{"cpu":"1M","memory":"1048576","x":"1e3","y":"0"}},"status":{}}',
    ],
    [
      'keeps an int64 exactly',
      '{"metadata":{"generation":9223372036854775807}}',
      `{"metadata":{"generation":9223372036854775807},${spec},"status":{}}`,
    ],
    [
      'escapes as Go does',
      '{"metadata":{"name":"<&>\u2028"}}',
      `{"metadata":{"name":"\\u003c\\u0026\\u003e\\u2028"},${spec},"status":{}}`,
    ],
    [
      'replaces lone surrogates',
      '{"metadata":{"name":"\\ud800x"}}',
      `{"metadata":{"name":"\ufffdx"},${spec},"status":{}}`,
    ],
  ])('%s', (_, text, expected) => expect(canonical(text)).toBe(expected));

  it('takes any key in a map', () => {
    const text = '{"metadata":{},"data":{"__proto__":"x","constructor":"y"}}';
    expect(canonical(text, CONFIG_MAP)).toBe(text);
  });
  it('reads and writes binary data', () => {
    expect(canonical('{"binaryData":{"a":"AB==","b":"QUI\\nD","c":[65,66]}}', CONFIG_MAP)).toBe(
      '{"metadata":{},"binaryData":{"a":"AA==","b":"QUID","c":"QUI="}}',
    );
  });
  it('replaces each malformed byte', () => {
    const text = Buffer.concat([
      Buffer.from('{"data":{"a":"'),
      Buffer.from([0xe2, 0x82, 0x41, 0xff]),
      Buffer.from('"}}'),
    ]);
    expect(decodeJson(text, CONFIG_MAP, { strict: false }).object.data).toEqual({ a: '\ufffd\ufffdA\ufffd' });
  });
  it('sorts custom resources and leaves their numbers', () => {
    const text = '{"spec":{"b":1.50,"a":[{"z":1e2,"y":9007199254740993}]},"kind":"X"}';
    const { object } = decodeJson(Buffer.from(text), undefined, { strict: true });
    expect(encodeJson(object).toString()).toBe('{"kind":"X","spec":{"a":[{"y":9007199254740993,"z":100}],"b":1.5}}');
  });
  it('knows the unions of JSON schemas', () => {
    const schema = (inner: string) =>
      `{"metadata":{},"spec":{"group":"","names":{"plural":"","kind":""},"scope":"","versions":[{"name":"","served":false,"storage":false,"schema":{"openAPIV3Schema":${inner}}}]},"status":{"conditions":null,"acceptedNames":{"plural":"","kind":""},"storedVersions":null}}`;
    const same =
      '{"default":{"a":1},"items":[{"type":"x"}],"additionalProperties":false,"dependencies":{"a":["b"],"c":{}}}';
    expect(canonical(schema(same), CRD)).toBe(schema(same));
    expect(problem(schema('{"additionalProperties":"x"}'), CRD)).toBe('boolean or JSON schema expected');
    expect(decode(schema('{"items":{"foo":1},"bar":1}'), CRD).strictErrors).toEqual([
      'unknown field "spec.versions[0].schema.openAPIV3Schema.bar"',
    ]);
  });
});

describe('strict errors', () => {
  it.each([
    ['{"foo":1}', ['unknown field "foo"']],
    [
      '{"spec":{"containers":[{"x":{"a":1,"a":2}},{"x":1}]}}',
      ['unknown field "spec.containers[0].x"', 'unknown field "spec.containers[1].x"'],
    ],
    ['{"metadata":{"labels":{"a":"1","a":"2"}}}', ['duplicate field "metadata.labels.a"']],
    [
      '{"b":1,"metadata":{},"a":1,"metadata":{"name":"x"},"b":2}',
      ['unknown field "b"', 'unknown field "a"', 'duplicate field "metadata"'],
    ],
    ['{"metadata" :{"name":"a"},"metadata":{"name":": "}}', ['duplicate field "metadata"']],
    ['{"Metadata":{}}', ['unknown field "Metadata"']],
  ])('%s', (text, errors) => {
    expect(decode(text).strictErrors).toEqual(errors);
    expect(decode(text, POD, false).strictErrors).toEqual([]);
  });
  it('stops at a hundred', () => {
    const text = `{${Array.from({ length: 150 }, (_, i) => `"x${i}":1`).join(',')}}`;
    expect(decode(text).strictErrors).toHaveLength(100);
  });
  it('finds duplicates in custom resources', () => {
    const { strictErrors } = decodeJson(Buffer.from('{"spec":{"a":1,"a":[{"b":1,"b":2}]}}'), undefined, {
      strict: true,
    });
    expect(strictErrors).toEqual(['duplicate field "spec.a"', 'duplicate field "spec.a[0].b"']);
  });
});

describe('type errors', () => {
  const cannot = (value: string, where: string, of: string) =>
    `json: cannot unmarshal ${value} into Go ${where} of type ${of}`;
  const field = (path: string) => `struct field ${path}`;
  const META =
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
  it.each([
    ['[]', `couldn't get version/kind; json parse error: ${cannot('array', 'value', META)}`],
    ['1e400', `couldn't get version/kind; json parse error: ${cannot('number', 'value', META)}`],
    ['{"kind":1e400}', `couldn't get version/kind; json parse error: ${cannot('number', field('.kind'), 'string')}`],
    ['{"kind":5}', `couldn't get version/kind; json parse error: ${cannot('number', field('.kind'), 'string')}`],
    ['{"metadata":"x"}', cannot('string', field('Pod.metadata'), 'v1.ObjectMeta')],
    ['{"spec":{"priority":"1"}}', cannot('string', field('PodSpec.spec.priority'), 'int32')],
    ['{"spec":{"priority":1.0}}', cannot('number 1.0', field('PodSpec.spec.priority'), 'int32')],
    ['{"spec":{"priority":1e2}}', cannot('number 1e2', field('PodSpec.spec.priority'), 'int32')],
    ['{"spec":{"priority":2147483648}}', cannot('number 2147483648', field('PodSpec.spec.priority'), 'int32')],
    [
      '{"metadata":{"generation":9223372036854775808}}',
      cannot('number 9223372036854775808', field('ObjectMeta.metadata.generation'), 'int64'),
    ],
    ['{"spec":{"containers":{}}}', cannot('object', field('PodSpec.spec.containers'), '[]v1.Container')],
    ['{"spec":{"containers":[1]}}', cannot('number', field('PodSpec.spec.containers'), 'v1.Container')],
    ['{"spec":{"dnsPolicy":true}}', cannot('bool', field('PodSpec.spec.dnsPolicy'), 'v1.DNSPolicy')],
    ['{"spec":{"overhead":"x"}}', cannot('string', field('PodSpec.spec.overhead'), 'v1.ResourceList')],
    ['{"metadata":{"labels":{"a":1}}}', cannot('number', field('ObjectMeta.metadata.labels'), 'string')],
    [
      '{"metadata":{"creationTimestamp":5}}',
      cannot('number', field('ObjectMeta.metadata.creationTimestamp'), 'string'),
    ],
    [
      '{"spec":{"volumes":[{"hostPath":{"path":1}}]}}',
      cannot('number', field('HostPathVolumeSource.spec.volumes.VolumeSource.hostPath.path'), 'string'),
    ],
    [
      '{"spec":{"containers":[{"livenessProbe":{"httpGet":{"port":1.5}}}]}}',
      cannot('number 1.5', field('HTTPGetAction.spec.containers.livenessProbe.ProbeHandler.httpGet.port'), 'int32'),
    ],
    [
      '{"metadata":{"creationTimestamp":"x"}}',
      'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
    ],
    [
      '{"spec":{"overhead":{"cpu":"x"}}}',
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    // The first of several; but a type that reads itself ends the decoding at once.
    ['{"metadata":{"name":1,"uid":2}}', cannot('number', field('ObjectMeta.metadata.name'), 'string')],
    ['{"metadata":{"name":1},"spec":{"overhead":{"cpu":"1ki"}}}', "unable to parse quantity's suffix"],
  ])('%s', (text, message) => expect(problem(text)).toBe(message));

  it('names the byte of bad base64', () => {
    const at = (text: string) => problem(`{"binaryData":{"a":"${text}"}}`, CONFIG_MAP);
    expect(['A', 'AA', 'AA=', 'AA=A', 'A=', 'AAAA=', 'A A', 'AA==A', 'AAA=A'].map(at)).toEqual(
      [0, 0, 3, 2, 1, 4, 1, 4, 4].map((n) => `illegal base64 data at input byte ${n}`),
    );
  });
});

describe('syntax errors', () => {
  const bad = (c: string, where: string) => `invalid character ${c} ${where}`;
  it.each([
    ['', 'unexpected end of JSON input'],
    [' {"a":', 'unexpected end of JSON input'],
    ['{"a":"b', 'unexpected end of JSON input'],
    ['x', bad("'x'", 'looking for beginning of value')],
    ['é', bad("'Ã'", 'looking for beginning of value')],
    ["{'", bad("'\\''", 'looking for beginning of object key string')],
    ['{"a":1,}', bad("'}'", 'looking for beginning of object key string')],
    ['{"a" 1}', bad("'1'", 'after object key')],
    ['{"a":1 "b"}', bad(`'"'`, 'after object key:value pair')],
    ['[1 2]', bad("'2'", 'after array element')],
    ['[1,]', bad("']'", 'looking for beginning of value')],
    ['{} {}', bad("'{'", 'after top-level value')],
    ['{"a":"\n"}', bad("'\\n'", 'in string literal')],
    ['{"a":"\u0001"}', bad("'\\x01'", 'in string literal')],
    ['{"a":"\\x"}', bad("'x'", 'in string escape code')],
    ['{"a":"\\u12g4"}', bad("'g'", 'in \\u hexadecimal character escape')],
    ['{"a":-}', bad("'}'", 'in numeric literal')],
    ['{"a":01}', bad("'1'", 'after object key:value pair')],
    ['{"a":1.}', bad("'}'", 'after decimal point in numeric literal')],
    ['{"a":1e}', bad("'}'", 'in exponent of numeric literal')],
    ['{"a":trux}', bad("'x'", "in literal true (expecting 'e')")],
    ['nul', bad("' '", "in literal null (expecting 'l')")],
    [`{"a":${'['.repeat(10_000)}`, bad("'['", 'exceeded max depth')],
    [`{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, bad("'['", 'exceeded max depth')],
  ])('%#', (text, message) => expect(problem(text)).toBe(`couldn't get version/kind; json parse error: ${message}`));
});

it('refuses what is too deep for the call stack', () => {
  const deep = Buffer.from(`{"a":${'['.repeat(9000)}${']'.repeat(9000)}}`);
  expect(() => decodeJson(deep, undefined, { strict: true })).toThrow('exceeded max depth');
  // What is dropped may be as deep as Go allows.
  expect(decodeJson(deep, POD, { strict: true }).strictErrors).toEqual(['unknown field "a"']);
});

it('decodes the same the fast way and the exact way', () => {
  for (const { name, json, type } of fixtures()) {
    const { tree, strictErrors } = decodeExactly(json.toString(), type, true);
    expect(strictErrors, name).toEqual([]);
    expect(canonicalTree(tree, type), name).toEqual(decodeJson(json, type, { strict: true }).object);
  }
});

describe('in pieces', () => {
  const piecesOf = (work: Pieces<unknown>) => {
    let pieces = 1;
    while (!work.next().done) pieces++;
    return pieces;
  };
  const members = (count: number) => Array.from({ length: count }, (_, i) => `"key-${i}":"a"`).join();
  it.each<[string, StructType | undefined, (members: string) => string]>([
    ['members', CONFIG_MAP, (many: string) => `{"data":{${many},"key-0":"b"}}`],
    ['what has no type', undefined, (many: string) => `{"extra":{${many},"key-0":"b"}}`],
  ])('decodes %s the exact way', (_, as, text) => {
    const piecesFor = (count: number) =>
      piecesOf(openJson(Buffer.from(text(members(count)))).decoding(as, { strict: true }));
    expect(piecesFor(15_000)).toBeGreaterThan(15_000 / 256);
    expect(piecesFor(20)).toBeLessThanOrEqual(5);
  });
});

it('tells what is wrong with the first of many members', () => {
  const members = Array.from({ length: 100 }, (_, i) => `"key-${i}":${i}`).join();
  expect(problem(`{"data":{${members}}}`, CONFIG_MAP)).toBe(
    'json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
  );
});

it('finds what a body says it is', () => {
  expect(openJson(Buffer.from('{"KIND":"Pod","apiVersion":"v1"}'))).toMatchObject({ kind: 'Pod', apiVersion: 'v1' });
  expect(openJson(Buffer.from('null'))).toMatchObject({ kind: '', apiVersion: '' });
});

describe('normalize', () => {
  it('copies', () => {
    const labels = { a: 'b' };
    const object = normalize({ metadata: { labels } }, POD);
    expect(object.metadata.labels).toEqual(labels);
    expect(object.metadata.labels).not.toBe(labels);
  });
  it('complains as the decoder does', () => {
    expect(() => normalize({ spec: { priority: 'x' } }, POD)).toThrow(
      'json: cannot unmarshal string into Go struct field PodSpec.spec.priority of type int32',
    );
  });
  it('takes numbers for quantities', () => {
    expect(normalize({ spec: { overhead: { cpu: 0.5 } } }, POD)).toMatchObject({ spec: { overhead: { cpu: '500m' } } });
  });
});

describe('managedFields', () => {
  it.each([
    ['[]', []],
    ['null', undefined],
    ['[{}]', [{}]],
  ])('%s', (entries, expected) => {
    const { object } = decode(`{"metadata":{"managedFields":${entries}}}`, CONFIG_MAP);
    expect(object.metadata.managedFields).toEqual(expected);
    const exactly = decode(`{"nope":1,"metadata":{"managedFields":${entries}}}`, CONFIG_MAP).object;
    expect(exactly.metadata.managedFields).toEqual(expected);
    const parsed: unknown = { metadata: { managedFields: JSON.parse(entries) } };
    expect(normalize(parsed, CONFIG_MAP).metadata.managedFields).toEqual(expected);
  });
});
