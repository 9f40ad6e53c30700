import fs from 'node:fs';
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import { describe, expect, test } from 'vitest';
import {
  compile,
  EvaluationError,
  environment,
  escapeName,
  fromSchema,
  INT,
  optionalOf,
  sizesWithin,
} from '../index.ts';

/** What kube-apiserver 1.36 said of rules on an object with a schema. */
interface Recorded {
  readonly rule: string;
  /** Why it does not compile. */
  readonly error?: string;
  readonly max?: number;
  readonly holds?: boolean;
  readonly cost?: number;
  /** Why it has no value. */
  readonly fails?: string;
}

const file = new URL('../testdata/rules.json', import.meta.url);
const { schema, self, rules } = JSON.parse(fs.readFileSync(file, 'utf8')) as {
  schema: JSONSchemaProps;
  self: unknown;
  rules: Recorded[];
};
const declared = fromSchema(schema, { name: 'selfType', resourceRoot: true })!;
const env = environment({ variables: { self: declared, oldSelf: declared } });

function play({ rule, max }: Recorded): Omit<Recorded, 'rule'> {
  const compiled = compile(env, rule);
  if (compiled.issues) return { error: `compilation failed: ${compiled.issues.message}` };
  if (compiled.type.kind !== 'bool') return { error: 'cel expression must evaluate to a bool' };
  const known = max === undefined ? {} : { max: compiled.cost(sizesWithin(declared)).max };
  try {
    const { value, cost } = compiled.program().evaluate({ self });
    return { ...known, holds: value === true, cost };
  } catch (error) {
    if (error instanceof EvaluationError) return { ...known, fails: error.message };
    throw error;
  }
}

test.each(rules.map((recorded) => [recorded.rule, recorded] as const))('%s', (_, recorded) => {
  const { rule: _rule, ...said } = recorded;
  expect(play(recorded)).toEqual(said);
});

describe('objects are equal with what no schema declares', () => {
  const immutable = compile(env, 'self.obj == oldSelf.obj');
  test.each([
    [{ x: 1 }, { x: 1 }, true],
    [{ x: { y: [1] } }, { x: { y: [2] } }, false],
  ])('%j and %j', (obj, old, equal) => {
    if (immutable.issues) throw new Error(immutable.issues.message);
    const activation = { self: { obj }, oldSelf: { obj: old } };
    expect(immutable.program().evaluate(activation).value).toBe(equal);
    expect([...immutable.variables]).toEqual(['self', 'oldSelf']);
  });
});

test.each([
  // Lists and objects of a schema refuse to be compared with what is none.
  ['dyn(self.list) == 1', 'no such overload'],
  ['dyn(self.obj) == "a"', 'no such overload'],
  ['dyn(self.map) == [1]', 'no such overload'],
  ['dyn(self.list) != 1', true],
  ['dyn(1) == dyn(self.list)', false],
  ['self.list in [dyn(1)].map(x, x)', false],
  ['dyn(1) in dyn([self.list, self.list])', false],
  // A list that the expression made takes elements that refuse for equal.
  ['[self.list] == [dyn(1)].map(x, x)', true],
  ['self.map[dyn(1)] == "a"', 'no such overload'],
  // An empty one is no zero.
  ['optional.ofNonZeroValue(self.list).hasValue()', true],
  ['optional.ofNonZeroValue(self.map).hasValue()', true],
  ['optional.ofNonZeroValue([]).hasValue()', false],
  ['type(self) == map && type(self.obj) == map && type(self.list) == list', true],
])('values of a schema: %s', (rule, wanted) => {
  const strings = { type: 'array', items: { type: 'string' } };
  const map = { type: 'object', additionalProperties: { type: 'string' } };
  const obj = { type: 'object', properties: { x: { type: 'integer' } } };
  const declared = fromSchema({ type: 'object', properties: { list: strings, map, obj } })!;
  const compiled = compile(environment({ variables: { self: declared } }), rule);
  if (compiled.issues) throw new Error(compiled.issues.message);
  const evaluate = () => compiled.program().evaluate({ self: { list: [], map: {}, obj: { x: 1 } } }).value;
  if (typeof wanted === 'string') expect(evaluate).toThrow(wanted);
  else expect(evaluate()).toBe(wanted);
});

test('a variable may be missing', () => {
  const compiled = compile(environment({ variables: { old: optionalOf(INT) } }), 'old.orValue(7)');
  if (compiled.issues) throw new Error(compiled.issues.message);
  expect(compiled.program().evaluate({}).value).toBe(7n);
  expect(compiled.program().evaluate({ old: 1 }).value).toBe(1n);
});

test.each([
  ['foo', 'foo'],
  ['foo-bar', 'foo__dash__bar'],
  ['a.b/c', 'a__dot__b__slash__c'],
  ['a__b', 'a__underscores__b'],
  ['namespace', '__namespace__'],
  ['$ref', undefined],
  ['1a', undefined],
])('%s is written %s', (name, escaped) => {
  expect(escapeName(name)).toBe(escaped);
});

test('a field that is called as a reserved word is found by that word', () => {
  const spec = fromSchema({ type: 'object', properties: { namespace: { type: 'string' } } })!;
  const compiled = compile(
    environment({ variables: { self: spec } }),
    "has(self.namespace) && self.namespace == 'a' && self.__namespace__ == 'a'",
  );
  if (compiled.issues) throw new Error(compiled.issues.message);
  expect(compiled.program().evaluate({ self: { namespace: 'a' } }).value).toBe(true);
  expect(compiled.program().evaluate({ self: {} }).value).toBe(false);
});
