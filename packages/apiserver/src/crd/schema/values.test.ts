import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import { describe, expect, test } from 'vitest';
import { rootSchema, specSchema, textsOf, widget } from './testing.ts';

/** What is said of a field of the spec with this schema. */
function said(schema: JSONSchemaProps, value: unknown): string[] {
  return textsOf(specSchema({ type: 'object', properties: { f: schema } }).validate(widget({ f: value })));
}

const text = { type: 'string' } as const;
const int = { type: 'integer' } as const;
const either: JSONSchemaProps = { 'x-kubernetes-int-or-string': true };

describe('types', () => {
  test.each<[JSONSchemaProps, unknown, string[]]>([
    [text, 'x', []],
    [text, 1, ['spec.f: Invalid value: "integer": spec.f in body must be of type string: "integer"']],
    [text, null, ['spec.f: Invalid value: "null": spec.f in body must be of type string: "null"']],
    [{ ...text, nullable: true }, null, []],
    [text, [], ['spec.f: Invalid value: "array": spec.f in body must be of type string: "array"']],
    [{ type: 'number' }, 1, []],
    [
      int,
      2 ** 70,
      [
        'spec.f: Invalid value: "number": spec.f in body must be of type integer: "number"',
        '<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.f',
      ],
    ],
    [
      int,
      1.5,
      [
        'spec.f: Invalid value: "number": spec.f in body must be of type integer: "number"',
        '<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.f',
      ],
    ],
    [int, 9223372036854775807n, []],
    [either, 1, []],
    [either, 'x', []],
    [either, true, ['spec.f: Invalid value: "boolean": spec.f in body must be of type integer,string: "boolean"']],
    [{ 'x-kubernetes-preserve-unknown-fields': true }, { any: ['thing'] }, []],
    // A format takes the place of the type, and lists are not looked at.
    [{ ...text, format: 'date' }, 5, ['spec.f: Invalid value: "int64": spec.f in body must be of type date: "int64"']],
    [{ ...text, format: 'date' }, [5], []],
    [
      { ...text, format: 'made-up' },
      [5],
      ['spec.f: Invalid value: "array": spec.f in body must be of type string: "array"'],
    ],
  ])('%j of %s', (schema, value, expected) => expect(said(schema, value)).toEqual(expected));
});

describe('bounds of numbers', () => {
  test.each<[JSONSchemaProps, unknown, string[]]>([
    [{ ...int, minimum: 1, maximum: 5 }, 1, []],
    [{ ...int, minimum: 1 }, 0, ['spec.f: Invalid value: 0: spec.f in body should be greater than or equal to 1']],
    [{ ...int, maximum: 5 }, 6, ['spec.f: Invalid value: 6: spec.f in body should be less than or equal to 5']],
    [
      { ...int, minimum: 1, exclusiveMinimum: true },
      1,
      ['spec.f: Invalid value: 1: spec.f in body should be greater than 1'],
    ],
    [
      { ...int, maximum: 5, exclusiveMaximum: true },
      5,
      ['spec.f: Invalid value: 5: spec.f in body should be less than 5'],
    ],
    [
      { type: 'number', maximum: 10 },
      2 ** 64,
      ['spec.f: Invalid value: 1.8446744073709552e+19: spec.f in body should be less than or equal to 10'],
    ],
    [
      { type: 'number', maximum: 1.5 },
      1234567.5,
      ['spec.f: Invalid value: 1.2345675e+06: spec.f in body should be less than or equal to 1.5'],
    ],
    [
      { type: 'number', maximum: 2_000_000 },
      2_000_001.5,
      ['spec.f: Invalid value: 2.0000015e+06: spec.f in body should be less than or equal to 2e+06'],
    ],
    [
      { ...int, format: 'int32', maximum: 4_294_967_295 },
      2 ** 32,
      [
        '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.f',
        '<nil>: Invalid value: "": Maximum boundary value must be of type integer with format int32 in spec.f',
        'spec.f: Invalid value: 4.294967296e+09: spec.f in body should be less than or equal to 4.294967295e+09',
      ],
    ],
    [
      { ...int, maximum: 5.5 },
      6,
      [
        '<nil>: Invalid value: "": Maximum boundary value must be of type integer (default format) in spec.f',
        'spec.f: Invalid value: 6: spec.f in body should be less than or equal to 5.5',
      ],
    ],
    [{ ...int, multipleOf: 3 }, 9, []],
    [{ ...int, multipleOf: 3 }, 10, ['spec.f: Invalid value: 10: spec.f in body should be a multiple of 3']],
    [
      { ...int, multipleOf: 0 },
      10,
      ['spec.f: Invalid value: 0: factor MultipleOf declared for spec.f must be positive: 0'],
    ],
    [{ type: 'number', multipleOf: 0.1 }, 0.3, []],
    [
      { type: 'number', multipleOf: 0.1 },
      0.35,
      ['spec.f: Invalid value: 0.35: spec.f in body should be a multiple of 0.1'],
    ],
    [
      { ...int, format: 'int32' },
      2 ** 31,
      ['<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.f'],
    ],
    [
      { type: 'number', format: 'float' },
      1e39,
      ['<nil>: Invalid value: "": Checked value must be of type number with format float in spec.f'],
    ],
    [
      { ...int, maximum: 2 ** 53 },
      9007199254740999n,
      ['spec.f: Invalid value: 9007199254740999: spec.f in body should be less than or equal to 9007199254740992'],
    ],
  ])('%j of %s', (schema, value, expected) => expect(said(schema, value)).toEqual(expected));
});

describe('texts, enums, lists and objects', () => {
  const list: JSONSchemaProps = { type: 'array', items: int };
  const map: JSONSchemaProps = { type: 'object', additionalProperties: int };
  test.each<[JSONSchemaProps, unknown, string[]]>([
    [{ ...text, maxLength: 2 }, '日本', []],
    [{ ...text, maxLength: 2 }, '😀😀', []],
    [{ ...text, maxLength: 2 }, 'abc', ['spec.f: Too long: may not be more than 2 bytes']],
    [
      { ...text, minLength: 2, pattern: '^b' },
      'a',
      ['spec.f: Invalid value: "a": spec.f in body should be at least 2 chars long'],
    ],
    [{ ...text, pattern: '^b' }, 'ab', ['spec.f: Invalid value: "ab": spec.f in body should match \'^b\'']],
    [{ ...text, enum: ['a', 'b'] }, 'c', ['spec.f: Unsupported value: "c": supported values: "a", "b"']],
    [{ ...int, enum: [1, 2] }, 3, ['spec.f: Unsupported value: 3: supported values: "1", "2"']],
    [{ type: 'number', enum: [1] }, 1.5, []],
    [{ ...either, enum: ['A'] }, 65, []],
    [
      { ...text, nullable: true, enum: ['a', null] },
      null,
      ['spec.f: Unsupported value: null: supported values: "a", "null"'],
    ],
    [{ type: 'object', 'x-kubernetes-preserve-unknown-fields': true, enum: [{ a: 1 }] }, { a: 1 }, []],
    [{ ...list, minItems: 1 }, [], ['spec.f: Invalid value: 0: spec.f in body should have at least 1 items']],
    [{ ...list, maxItems: 1 }, [1, 2], ['spec.f: Too many: 2: must have at most 1 item']],
    [list, [1, 'x'], ['spec.f[1]: Invalid value: "string": spec.f[1] in body must be of type integer: "string"']],
    [
      map,
      { 'a.b': 'x' },
      ['spec.f.a.b: Invalid value: "string": spec.f.a.b in body must be of type integer: "string"'],
    ],
    [{ ...map, maxProperties: 1 }, { a: 1, b: 2 }, ['spec.f: Too many: 2: must have at most 1 item']],
    [{ ...map, minProperties: 1 }, {}, ['spec.f: Invalid value: 0: spec.f in body should have at least 1 properties']],
    [
      { type: 'object', additionalProperties: false },
      { a: 1 },
      ['spec.f: Invalid value: "a": spec.f.a in body is a forbidden property'],
    ],
    [{ type: 'object', properties: { constructor: int } }, {}, []],
    [{ type: 'object', required: ['constructor'] }, {}, ['spec.f.constructor: Required value']],
  ])('%j of %j', (schema, value, expected) => expect(said(schema, value)).toEqual(expected));
});

describe('compositions', () => {
  const anyOf = { ...text, anyOf: [{ pattern: '^a' }, { maxLength: 2 }] };
  const oneOf: JSONSchemaProps = {
    type: 'object',
    properties: { a: text, b: text },
    oneOf: [{ required: ['a'] }, { required: ['b'] }],
  };
  const allOf = { ...text, allOf: [{ pattern: '^a' }, { maxLength: 2 }] };
  test.each<[JSONSchemaProps, unknown, string[]]>([
    [anyOf, 'zz', []],
    [
      anyOf,
      'zzz',
      [
        '<nil>: Invalid value: "": "spec.f" must validate at least one schema (anyOf)',
        'spec.f: Invalid value: "zzz": spec.f in body should match \'^a\'',
      ],
    ],
    [oneOf, { a: '' }, []],
    [
      oneOf,
      { a: '', b: '' },
      ['<nil>: Invalid value: "": "spec.f" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
    ],
    [
      oneOf,
      {},
      [
        '<nil>: Invalid value: "": "spec.f" must validate one and only one schema (oneOf). Found none valid',
        'spec.f.a: Required value',
      ],
    ],
    [allOf, 'az', []],
    [
      allOf,
      'azz',
      [
        'spec.f: Too long: may not be more than 2 bytes',
        '<nil>: Invalid value: "": "spec.f" must validate all the schemas (allOf)',
      ],
    ],
    [
      allOf,
      'zzz',
      [
        'spec.f: Invalid value: "zzz": spec.f in body should match \'^a\'',
        'spec.f: Too long: may not be more than 2 bytes',
        '<nil>: Invalid value: "": "spec.f" must validate all the schemas (allOf). None validated',
      ],
    ],
    [
      { ...text, not: { enum: ['bad'] } },
      'bad',
      ['<nil>: Invalid value: "": "spec.f" must not validate the schema (not)'],
    ],
  ])('%j of %j', (schema, value, expected) => expect(said(schema, value)).toEqual(expected));

  test('the failure that got furthest is told', () => {
    const schema: JSONSchemaProps = {
      type: 'object',
      properties: { kind: text, port: int, host: text },
      anyOf: [
        { properties: { kind: { enum: ['a'] }, port: { minimum: 1 } } },
        { properties: { kind: { enum: ['b'] }, port: { minimum: 5 }, host: { minLength: 2 } } },
      ],
    };
    expect(said(schema, { kind: 'b', port: 2, host: 'xx' })).toContain(
      'spec.f.port: Invalid value: 2: spec.f.port in body should be greater than or equal to 5',
    );
  });
});

describe('what has not changed may stay wrong', () => {
  const item: JSONSchemaProps = { type: 'object', properties: { k: text, v: { ...int, maximum: 5 } }, required: ['k'] };
  const schema = specSchema({
    type: 'object',
    properties: {
      a: { ...text, maxLength: 1 },
      b: { type: 'object', properties: { c: { ...int, maximum: 5 } } },
      free: { type: 'object', maxProperties: 1, 'x-kubernetes-preserve-unknown-fields': true },
      list: { type: 'array', items: { ...int, maximum: 5 } },
      map: { type: 'array', items: item, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] },
    },
  });
  test.each<[object, object, string[]]>([
    [{ a: 'xx' }, { a: 'xx', b: {} }, []],
    [{ a: 'xx' }, { a: 'xxx' }, ['spec.a: Too long: may not be more than 1 byte']],
    [{ b: { c: 9 } }, { b: { c: 9 }, a: 'x' }, []],
    [{ list: [9, 1] }, { list: [9, 1], a: 'x' }, []],
    [
      { list: [9, 1] },
      { list: [9, 2] },
      ['spec.list[0]: Invalid value: 9: spec.list[0] in body should be less than or equal to 5'],
    ],
    [
      { map: [{ k: 'a', v: 9 }] },
      {
        map: [
          { k: 'b', v: 1 },
          { k: 'a', v: 9 },
        ],
      },
      [],
    ],
    [
      { map: [{ k: 'a', v: 9 }] },
      { map: [{ k: 'b', v: 9 }] },
      ['spec.map[0].v: Invalid value: 9: spec.map[0].v in body should be less than or equal to 5'],
    ],
    // Unknown fields count as changed.
    [{ free: { x: 1, y: 1 } }, { free: { x: 1, y: 1 } }, ['spec.free: Too many: 2: must have at most 1 item']],
  ])('%j to %j', (old, spec, expected) =>
    expect(textsOf(schema.validateUpdate(widget(spec), widget(old)))).toEqual(expected),
  );
});

test('of the status, paths begin at status and messages do not', () => {
  const status: JSONSchemaProps = { type: 'object', properties: { n: int }, required: ['m'] };
  const schema = rootSchema({ type: 'object', properties: { spec: int, status } });
  const errors = schema.validateStatusUpdate(widget('wrong', { status: { n: 'x' } }), widget('wrong'));
  expect(textsOf(errors)).toEqual([
    'status.n: Invalid value: "string": n in body must be of type integer: "string"',
    'status.m: Required value',
  ]);
  expect(textsOf(schema.validateStatusUpdate(widget('wrong'), widget('wrong')))).toEqual([]);
  const none = widget(1, { status: null });
  expect(textsOf(schema.validateStatusUpdate(none, widget(1)))).toEqual([]);
  expect(textsOf(schema.validateStatusUpdate(none, widget(1, { status: {} })))).toEqual([
    'status: Invalid value: "null":  in body must be of type object: "null"',
  ]);
});
