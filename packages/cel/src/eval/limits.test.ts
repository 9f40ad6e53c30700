import { describe, expect, test } from 'vitest';
import { BINDINGS, BudgetExceeded, compile, DYN, EvaluationError, environment } from '../index.ts';

const env = environment({ variables: { o: DYN } }, BINDINGS);
const numbers = Array.from({ length: 300_000 }, (_, i) => i);
const nested = (make: (inner: unknown) => unknown) => {
  let value: unknown = 1;
  for (let depth = 0; depth < 100_000; depth++) value = make(value);
  return value;
};
const o = {
  text: 'ab c'.repeat(250_000),
  short: 'ab c'.repeat(5000),
  list: numbers,
  map: Object.fromEntries(numbers.map((n) => [`k${n}`, n])),
  lists: nested((inner) => [inner]),
  maps: nested((a) => ({ a })),
};

function evaluate(text: string) {
  const compiled = compile(env, text);
  if (compiled.issues) throw new Error(compiled.issues.message);
  return compiled.program().evaluate({ o }).value;
}

describe('what costs little and takes long is ended', () => {
  test.each([
    'lists.range(10000).all(i, size(o.text) > 0)',
    "lists.range(10000).all(i, o.text.charAt(0) != '')",
    'lists.range(10000).all(i, !(-1 in o.list))',
    'lists.range(10000).all(i, dyn(o.list).reverse() != [])',
    'lists.range(10000).all(i, o.list.sort().size() > 0)',
    'lists.range(10000).all(i, size(o.map) > 0)',
    'lists.range(10000).all(i, [o.list] == [o.list])',
    "lists.range(10000).all(i, '%s'.format([o.list]) != '')",
    "lists.range(50000).all(i, timestamp(i).getHours('America/New_York') >= 0)",
    // A thousand copies of one character in the pattern; 20 000 in the text.
    "o.short.matches('(((.{10}){10}){10}c)')",
    "o.text.findAll('.').size() > 0",
  ])('%s', (text) => {
    expect(() => evaluate(text)).toThrow(BudgetExceeded);
  });
});

test.each([
  'o.lists == o.lists',
  'o.maps == o.maps',
  'o.lists.flatten(900000).size() > 0',
  "'%s'.format([o.lists]) != ''",
])('what is nested beyond the stack is refused: %s', (text) => {
  expect(() => evaluate(text)).toThrow(EvaluationError);
});

test.each([
  "o.text.matches('^[a-c ]*$')",
  'size(o.map) == 300000 && o.list.size() == 300000',
  'lists.range(10000).map(i, i * 2).filter(i, i % 3 == 0).size() > 0',
  'lists.range(10000).all(i, o.list.size() > i)',
  "o.text.charAt(1) == 'b' && o.text.contains('b c')",
])('what is large alone is not: %s', (text) => {
  expect(evaluate(text)).toBe(true);
});
