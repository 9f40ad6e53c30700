import { describe, expect, test } from 'vitest';
import { compile, DYN, EvaluationError, environment, INT, STRING } from './index.ts';

const env = environment({ variables: { a: DYN, n: INT, s: STRING } });

function evaluate(text: string, activation = {}) {
  const compiled = compile(env, text);
  if (compiled.issues) throw new Error(compiled.issues.message);
  return compiled.program().evaluate(activation);
}

describe('what is wrong with an expression is shown with its place', () => {
  test.each([
    ['nope.x', "ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope.x\n | ^"],
    [
      "n + 'a'",
      "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | n + 'a'\n | ..^",
    ],
    ["[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"],
    ['has(n)', 'ERROR: <input>:1:5: invalid argument to has() macro\n | has(n)\n | ....^'],
    ["duration('x')", "ERROR: <input>:1:10: invalid duration argument\n | duration('x')\n | .........^"],
    ["'é' + b.c", "ERROR: <input>:1:7: undeclared reference to 'b' (in container '')\n | 'é' + b.c\n | .．....^"],
  ])('%s', (text, message) => {
    expect(compile(env, text).issues?.message).toBe(message);
  });
});

describe('values and what they cost', () => {
  test.each([
    ['n + 1 == 3 && s.startsWith("k")', { n: 2, s: 'kube' }, true, 5],
    ['a.spec.replicas <= n', { a: { spec: { replicas: 3 } }, n: 5 }, true, 5],
    ['a.list.exists(x, x.name == s)', { a: { list: [{ name: 'p' }, { name: 'q' }] }, s: 'q' }, true, 19],
    ["a.?missing.field.orValue('none')", { a: {} }, 'none', 1],
    ["s in ['a', 'b']", { s: 'b' }, true, 1],
    ["s < 'b'", { s: '😀' }, false, 2],
    ["s > '\uffee' && s < '😁'", { s: '😀' }, true, 4],
  ])('%s', (text, activation, value, cost) => {
    expect(evaluate(text, activation)).toEqual({ value, cost });
  });
});

describe('errors', () => {
  test.each([
    ['a.x', { a: {} }, 'no such key: x'],
    ['a[3]', { a: [1] }, 'index out of bounds: 3'],
    ['n / 0', { n: 1 }, 'division by zero'],
    ['n + 9223372036854775807', { n: 1 }, 'integer overflow'],
    ['a + 1', { a: 'x' }, 'no such overload'],
    ['size(a)', { a: 1 }, 'no such overload: size'],
  ])('%s', (text, activation, message) => {
    expect(() => evaluate(text, activation)).toThrow(EvaluationError);
    expect(() => evaluate(text, activation)).toThrow(message);
  });
});

test('a budget ends an evaluation, and no operator goes on from there', () => {
  const compiled = compile(env, 'a.all(x, x > 0) || true');
  if (compiled.issues) throw new Error(compiled.issues.message);
  const run = () => compiled.program().evaluate({ a: new Array(1000).fill(1) }, { budget: 100 });
  expect(run).toThrow('operation cancelled: actual cost limit exceeded');
});

test.each([
  ['s.trim() == s', `x${' '.repeat(200_000)}x`],
  ['duration(s) == duration(s)', '1'.repeat(200_000)],
  ['double(s) == double(s)', `${'1'.repeat(200_000)}x`],
])('%s takes time by the character', (text, s) => {
  const startedAt = performance.now();
  try {
    expect(evaluate(text, { s })).toMatchObject({ value: true });
  } catch (error) {
    expect(error).toBeInstanceOf(EvaluationError);
  }
  // By the square of their number they take minutes.
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

describe('texts that take long to tell of', () => {
  test.each([
    ['@'.repeat(90_000), /\d+ more errors were truncated$/],
    [`optional.of(1)${'.optMap(x, x)'.repeat(30)}`, /expression is too large/],
  ])('%#', (text, wanted) => {
    expect(compile(environment(), text).issues?.message).toMatch(wanted);
  });

  test('types of many calls', () => {
    expect(compile(environment(), new Array(5000).fill('1==1').join('||')).issues).toBeUndefined();
  });
});
