import { Path, required } from '@keelson/api/field';
import type { JSONSchemaProps, ValidationRule } from '@keelson/api/generated/types/apiextensions/v1';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { describe, expect, test } from 'vitest';
import type { ValidateOptions } from './index.ts';
import { RuleMetrics } from './metrics.ts';
import { rootSchema, specSchema, textsOf, widget } from './testing.ts';

const text = { type: 'string' } as const;
const int = { type: 'integer' } as const;

function object(properties: Record<string, JSONSchemaProps>, ...rules: (string | ValidationRule)[]): JSONSchemaProps {
  return ruled({ type: 'object', properties }, ...rules);
}
function ruled(schema: JSONSchemaProps, ...rules: (string | ValidationRule)[]): JSONSchemaProps {
  const all = rules.map((rule) => (typeof rule === 'string' ? { rule } : rule));
  return { ...schema, ...(all.length > 0 && { 'x-kubernetes-validations': all }) };
}
function said(schema: JSONSchemaProps, spec: unknown): string[] {
  return textsOf(specSchema(schema).validate(widget(spec)));
}
function saidOnUpdate(schema: JSONSchemaProps, old: unknown, spec: unknown): string[] {
  return textsOf(specSchema(schema).validateUpdate(widget(spec), widget(old)));
}

describe('what is said', () => {
  const positive = { rule: 'self.n > 0' };
  test.each<[string, ValidationRule, string]>([
    ['the rule', positive, 'spec: Invalid value: failed rule: self.n > 0'],
    ['a message', { ...positive, message: ' say ' }, 'spec: Invalid value: say'],
    ['an expression', { ...positive, messageExpression: "'n is ' + string(self.n)" }, 'spec: Invalid value: n is 0'],
    [
      'the message where the expression fails',
      { ...positive, message: 'm', messageExpression: 'self.l[0]' },
      'spec: Invalid value: m',
    ],
    [
      'the rule where the expression is blank',
      { ...positive, messageExpression: "' '" },
      'spec: Invalid value: failed rule: self.n > 0',
    ],
    [
      'the rule where the expression has lines',
      { ...positive, messageExpression: "'a\\nb'" },
      'spec: Invalid value: failed rule: self.n > 0',
    ],
    ['a field', { ...positive, fieldPath: ".m['k']" }, 'spec.m[k]: Invalid value: failed rule: self.n > 0'],
    ['a reason', { ...positive, reason: 'FieldValueForbidden', message: 'm' }, 'spec: Forbidden: m'],
    [
      'that it is required',
      { ...positive, reason: 'FieldValueRequired', message: 'm', fieldPath: '.n' },
      'spec.n: Required value: m',
    ],
    ['that it is there twice', { ...positive, reason: 'FieldValueDuplicate' }, 'spec: Duplicate value'],
    [
      'why it has no value',
      { rule: "self.m['k'] == ''", message: 'm' },
      'spec: Invalid value: "object": no such key: k evaluating rule: m',
    ],
  ])('%s', (_, rule, expected) => {
    const properties = {
      n: int,
      l: { type: 'array', maxItems: 2, items: text } as const,
      m: { type: 'object', additionalProperties: text } as const,
    };
    expect(said(object(properties, rule), { n: 0, l: [], m: {} })).toEqual([expected]);
  });
});

describe('where rules stand', () => {
  const positive = ruled(int, 'self > 0');
  test.each<[JSONSchemaProps, unknown, string[]]>([
    [{ type: 'array', items: positive }, [1, 0], ['spec[1]: Invalid value: 0: failed rule: self > 0']],
    [
      { type: 'object', additionalProperties: positive },
      { 'k.x': 0 },
      ['spec[k.x]: Invalid value: 0: failed rule: self > 0'],
    ],
    [object({ namespace: positive }), { namespace: 0 }, ['spec.namespace: Invalid value: 0: failed rule: self > 0']],
    [object({ $odd: positive }), { $odd: 0 }, ['spec.$odd: Invalid value: 0: failed rule: self > 0']],
    // Values of libraries are equal to none of another type; null alone may be asked for.
    [ruled(text, 'dyn(ip(self)) != null'), '::1', []],
    [
      ruled(text, 'dyn(quantity(self)) == "1"'),
      '1',
      [
        'spec: Invalid value: "string": \'no such overload\': call arguments did not match a supported operator, function or macro signature for rule: dyn(quantity(self)) == "1"',
      ],
    ],
    [ruled({ type: 'number' }, 'self > 1.5'), 1.25, ['spec: Invalid value: 1.25: failed rule: self > 1.5']],
    [object({ n: { ...positive, nullable: true } }), { n: null }, []],
    // Nothing is seen of what has no type, nor within it.
    [
      object({ free: { 'x-kubernetes-preserve-unknown-fields': true, properties: { n: positive } } }),
      { free: { n: 0 } },
      [],
    ],
  ])('%j of %j', (schema, spec, expected) => expect(said(schema, spec)).toEqual(expected));

  test('at the root, and in an embedded resource', () => {
    const named = ruled({ type: 'object', properties: { spec: int } }, "self.metadata.name == 'b'");
    expect(textsOf(rootSchema(named).validate(widget(1)))).toEqual([
      "<nil>: Invalid value: failed rule: self.metadata.name == 'b'",
    ]);
    const embedded = ruled(
      { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { x: int } },
      "self.kind == 'A' && self.metadata.name == 'n'",
    );
    expect(said(embedded, { apiVersion: 'v1', kind: 'A', metadata: { name: 'n' } })).toEqual([]);
  });
});

test('rules wait for what is wrong otherwise', () => {
  const schema = specSchema(object({ s: { ...text, maxLength: 1 }, n: { ...int, maximum: 1 } }, 'self.n > 5'));
  const blocked =
    '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
  expect(textsOf(schema.validate(widget({ s: 'xx', n: 1 })))).toEqual([
    'spec.s: Too long: may not be more than 1 byte',
    blocked,
  ]);
  const nameless = required(Path.of('metadata', 'name'), 'name or generateName is required');
  const among: ValidateOptions['among'] = function* (values) {
    return [nameless, ...(yield* values())];
  };
  expect(textsOf(schema.validate(widget({ s: 'x', n: 1 }), { among }))).toEqual([
    'metadata.name: Required value: name or generateName is required',
    blocked,
  ]);
  expect(textsOf(schema.validate(widget({ s: 'x', n: 2 })))).toEqual([
    'spec.n: Invalid value: 2: spec.n in body should be less than or equal to 1',
    'spec: Invalid value: failed rule: self.n > 5',
  ]);
});

describe('what it was', () => {
  const same = { rule: 'self == oldSelf', message: 'immutable' };
  test('messages see what the value was where a rule beside them asks for it', () => {
    const positive = { rule: 'self > 0', messageExpression: "'was ' + string(oldSelf)" };
    expect(saidOnUpdate(ruled(int, positive), 1, 0)).toEqual(['spec: Invalid value: 0: failed rule: self > 0']);
    const falls = { rule: 'self <= oldSelf' };
    expect(saidOnUpdate(ruled(int, positive, falls), 1, 0)).toEqual(['spec: Invalid value: 0: was 1']);
  });
  const item = object({ k: text, v: ruled(int, same) });
  const map: JSONSchemaProps = {
    type: 'array',
    items: item,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['k'],
  };
  test.each<[JSONSchemaProps, unknown, unknown, string[]]>([
    [object({ s: ruled(text, same) }), { s: 'x' }, { s: 'y' }, ['spec.s: Invalid value: "y": immutable']],
    [object({ s: ruled(text, same) }), {}, { s: 'y' }, []],
    [object({ s: ruled(text, same) }), { s: 'x' }, {}, []],
    [
      map,
      [{ k: 'a', v: 1 }],
      [
        { k: 'b', v: 2 },
        { k: 'a', v: 3 },
      ],
      ['spec[1].v: Invalid value: 3: immutable'],
    ],
  ])('%j: %j to %j', (schema, old, spec, expected) => expect(saidOnUpdate(schema, old, spec)).toEqual(expected));

  const optional: ValidationRule = { rule: "oldSelf.orValue('x') == self", optionalOldSelf: true };
  test.each([
    [undefined, 'x', []],
    [undefined, 'y', [`spec.s: Invalid value: "y": failed rule: ${optional.rule}`]],
    ['y', 'y', []],
  ])('optionally: %s to %s', (old, now, expected) => {
    const schema = object({ s: ruled(text, optional) });
    expect(old === undefined ? said(schema, { s: now }) : saidOnUpdate(schema, { s: old }, { s: now })).toEqual(
      expected,
    );
  });
});

test('what has not changed may break rules, and is warned of', () => {
  const schema = specSchema(object({ a: ruled(int, 'self > 0'), b: int }, { rule: 'self.b > 0', message: 'b' }));
  const warnings: string[] = [];
  const warn = (warning: string) => warnings.push(warning);
  expect(textsOf(schema.validateUpdate(widget({ a: 0, b: 1 }), widget({ a: 0, b: 2 }), { warn }))).toEqual([]);
  expect(warnings).toEqual(['spec.a: Invalid value: 0: failed rule: self > 0']);
  expect(textsOf(schema.validateUpdate(widget({ a: 1, b: 0 }), widget({ a: 0, b: 0 })))).toEqual([
    'spec: Invalid value: b',
  ]);
});

describe('budgets', () => {
  const list: JSONSchemaProps = { type: 'array', items: int };
  const heavy = 'self.all(x, self.all(y, self.all(z, x + y + z >= 0)))';
  test('of a call', () => {
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    expect(said(ruled(list, heavy, 'false'), numbers)).toEqual([
      `spec: Invalid value: "array": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: ${heavy}`,
    ]);
  });
  test('of an object', () => {
    const numbers = Array.from({ length: 300 }, (_, i) => i);
    const rules = Array.from({ length: 30 }, () => 'self.all(x, self.all(y, x + y >= 0))');
    expect(said(ruled(list, ...rules, 'false'), numbers)).toEqual([
      'spec: Invalid value: "array": validation failed due to running out of cost budget, no further validation rules will be run',
    ]);
  });
});

test('rules of the status are evaluated by its subresource', () => {
  const schema = rootSchema({ type: 'object', properties: { spec: int, status: object({ n: int }, 'self.n > 0') } });
  const errors = schema.validateStatusUpdate(widget(1, { status: { n: 0 } }), widget(1));
  expect(textsOf(errors)).toEqual(['status: Invalid value: failed rule: self.n > 0']);
});

test('how long rules take is counted by schema: once compiled, each time evaluated', async () => {
  const registry = new MetricsRegistry();
  const metrics = new RuleMetrics(registry, () => 0);
  const counts = async () =>
    Array.from((await registry.text()).matchAll(/^apiserver_cel_\w+_seconds_count (\d+)/gm), ([, count]) =>
      Number(count),
    );
  const schema = specSchema(object({ n: int, m: ruled(int, 'self > 0') }, 'self.n > 0', 'self.m > 0'), metrics);
  for (const n of [1, 2, 3]) textsOf(schema.validate(widget({ n, m: 1 })));
  expect(await counts()).toEqual([2, 6]);
});
