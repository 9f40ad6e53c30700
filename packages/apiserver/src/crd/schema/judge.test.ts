import { Path } from '@keelson/api/field';
import type { CustomResourceDefinitionSpec, JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import { describe, expect, test } from 'vitest';
import { schemaJudge } from './judge.ts';
import { textsOf } from './testing.ts';

const judge = schemaJudge();
const at = Path.of('s');
const text = { type: 'string' } as const;
const int = { type: 'integer' } as const;

function specOf(schema: JSONSchemaProps): CustomResourceDefinitionSpec {
  const names = { plural: 'widgets', kind: 'Widget' };
  const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }];
  return { group: 'example.com', scope: 'Namespaced', names, versions };
}
function defaults(spec: JSONSchemaProps, old?: JSONSchemaProps): string[] {
  const wrap = (s: JSONSchemaProps): JSONSchemaProps => ({ type: 'object', properties: { spec: s } });
  const context = { spec: specOf(wrap(spec)), version: 'v1', ...(old && { old: specOf(wrap(old)) }) };
  return textsOf(judge.validateDefaults!(wrap(spec), at, context)).map((t) => t.replace('s.properties[spec].', ''));
}
function rules(spec: JSONSchemaProps, old?: JSONSchemaProps, isFaulty = (_: Path) => false): string[] {
  const wrap = (s: JSONSchemaProps): JSONSchemaProps => ({ type: 'object', properties: { spec: s } });
  const context = { spec: specOf(wrap(spec)), version: 'v1', ...(old && { old: specOf(wrap(old)) }) };
  return textsOf(judge.validateRules!(wrap(spec), at, context, isFaulty)).map((t) =>
    t.replaceAll('s.properties[spec].', ''),
  );
}

test.each([
  ['^a', undefined],
  ['(', 'error parsing regexp: missing closing ): `(`'],
  ['[', 'error parsing regexp: missing closing ]: `[`'],
  ['a**', 'error parsing regexp: invalid nested repetition operator: `**`'],
  ['(?=a)', 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`'],
  ['\\', 'error parsing regexp: trailing backslash at end of expression: ``'],
])('pattern %s', (pattern, problem) => expect(judge.patternProblem!(pattern)).toBe(problem));

describe('defaults', () => {
  const embedded: JSONSchemaProps = {
    type: 'object',
    'x-kubernetes-embedded-resource': true,
    'x-kubernetes-preserve-unknown-fields': true,
  };
  test.each<[JSONSchemaProps, string[]]>([
    [{ ...text, default: 'x' }, []],
    [{ ...text, enum: ['a'], default: 'b' }, ['default: Unsupported value: "b": supported values: "a"']],
    [{ ...int, default: 'b' }, ['default: Invalid value: "string":  in body must be of type integer: "string"']],
    [
      { type: 'object', properties: { a: int }, default: { a: 'x' } },
      ['default.a: Invalid value: "string": a in body must be of type integer: "string"'],
    ],
    [
      { type: 'object', properties: { a: int }, default: { b: 1 } },
      ['default: Invalid value: {"b":1}: must not have unknown fields'],
    ],
    [
      { type: 'array', items: { ...int, maximum: 1, default: 2 } },
      ['items.default: Invalid value: 2:  in body should be less than or equal to 1'],
    ],
    [{ 'x-kubernetes-int-or-string': true, default: 1 }, []],
    // Defaults are held to every format that a schema states, values of objects to those alone that go with the type.
    [{ ...text, format: 'made-up', default: {} }, ['default: Invalid value: "":  in body must be of type made-up: ""']],
    [
      { type: 'boolean', format: 'made-up', default: 10 },
      ['default: Invalid value: "int64":  in body must be of type made-up: "int64"'],
    ],
    [{ type: 'object', format: 'email', default: [] }, []],
    [
      { type: 'array', items: text, format: 'int64', default: 0 },
      ['default: Invalid value: "integer":  in body must be of type array: "integer"'],
    ],
    [
      {
        type: 'object',
        'x-kubernetes-embedded-resource': true,
        properties: { a: int },
        default: { apiVersion: 'v1', kind: 'A', metadata: { name: 'a', b: 1 }, b: 1 },
      },
      [
        'default: Invalid value: {"apiVersion":"v1","kind":"A","metadata":{"name":"a"},"b":1}: must not have unknown fields',
      ],
    ],
    [{ ...embedded, default: { apiVersion: 'v1', kind: 'A', metadata: null } }, []],
    [{ ...embedded, default: { kind: 'A' } }, ['default.apiVersion: Required value']],
    [
      { ...embedded, default: { apiVersion: 'v1', kind: 'A', metadata: { labels: 1 } } },
      [
        'default.metadata: Invalid value: {"labels":1}: json: cannot unmarshal number into Go struct field ObjectMeta.labels of type map[string]string',
      ],
    ],
    [
      { ...embedded, properties: { metadata: { type: 'object', properties: { name: { ...text, default: 'a/b' } } } } },
      [
        `properties[metadata].properties[name].default: Invalid value: "a/b": must result in valid metadata: metadata.name: Invalid value: "a/b": may not contain '/'`,
      ],
    ],
    [
      { ...text, default: 'b', 'x-kubernetes-validations': [{ rule: "self == 'a'" }] },
      [`default: Invalid value: "b": failed rule: self == 'a'`],
    ],
    [
      { ...text, default: 'b', 'x-kubernetes-validations': [{ rule: 'oldSelf.hasValue()', optionalOldSelf: true }] },
      ['default: Invalid value: "b": failed rule: oldSelf.hasValue()'],
    ],
  ])('%j', (schema, expected) => expect(defaults(schema)).toEqual(expected));

  test('unknown fields stay where they were', () => {
    const schema: JSONSchemaProps = { type: 'object', properties: { a: int }, default: { b: 1 } };
    expect(defaults(schema, schema)).toEqual([]);
  });
});

describe('rules', () => {
  const ruled = (schema: JSONSchemaProps, rule: object): JSONSchemaProps => ({
    ...schema,
    'x-kubernetes-validations': [{ rule: 'true', ...rule }],
  });
  const shown = (rule: string, more = '') =>
    `{"Rule":"${rule}","Message":"","MessageExpression":"${more}","Reason":null,"FieldPath":"","OptionalOldSelf":null}`;
  const list = (items: JSONSchemaProps, more: JSONSchemaProps = {}): JSONSchemaProps => ({
    type: 'array',
    items,
    ...more,
  });
  test.each<[JSONSchemaProps, string[]]>([
    [ruled(int, { rule: 'self > 0' }), []],
    [
      ruled(int, { rule: 'self' }),
      [`x-kubernetes-validations[0].rule: Invalid value: ${shown('self')}: cel expression must evaluate to a bool`],
    ],
    [
      ruled(int, { rule: 'nope' }),
      [
        `x-kubernetes-validations[0].rule: Invalid value: ${shown('nope')}: compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^`,
      ],
    ],
    [
      ruled(int, { messageExpression: '1' }),
      [
        `x-kubernetes-validations[0].messageExpression: Invalid value: ${shown('true', '1')}: messageExpression must evaluate to a string`,
      ],
    ],
    [
      ruled(int, { optionalOldSelf: true }),
      [
        'x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule',
      ],
    ],
    [
      list(ruled(int, { rule: 'self == oldSelf' })),
      [
        'items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within s.properties[spec]',
      ],
    ],
    [
      ruled({ 'x-kubernetes-preserve-unknown-fields': true }, {}),
      [
        'x-kubernetes-validations: Internal error: internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations',
      ],
    ],
  ])('%j', (schema, expected) => expect(rules(schema)).toEqual(expected));

  test('those of faulty schemas are left alone', () => {
    const faulty = (path: Path) => path.toString() === 's.properties[spec]';
    const list = { type: 'array', items: ruled(int, { rule: 'nope' }) };
    expect(rules(ruled(list, { rule: 'nope' }), undefined, faulty).map((text) => text.slice(0, 40))).toEqual([
      'items.x-kubernetes-validations[0].rule: ',
    ]);
  });

  test('a value is seen by itself where what is around it cannot be seen', () => {
    const inner = { a: ruled(int, { rule: 'self > 0' }) };
    const why = 'Internal error: internal error: failed to construct type information for';
    expect(rules({ type: 'nope', properties: inner })).toEqual([]);
    expect(rules(ruled({ type: 'nope', properties: inner }, {})).map((text) => text.split(' x-')[0])).toEqual([
      `properties[a].x-kubernetes-validations: ${why}`,
      `x-kubernetes-validations: ${why}`,
    ]);
  });

  test('costs', () => {
    const body = ruled({ type: 'string' }, { rule: "self.contains('abc')" });
    const how =
      '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)';
    expect(rules(list({ ...body, maxLength: 10 }, { maxItems: 10 }))).toEqual([]);
    const found = rules(list(body));
    expect(found[0]).toBe(
      `items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${how}`,
    );
    expect(found.slice(1)).toEqual([
      'items.x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
      `s: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x ${how}`,
    ]);
    // What was accepted once may cost what it costs, each by itself.
    expect(rules(list(body), list(body))).toEqual(found.slice(1));
  });
});
