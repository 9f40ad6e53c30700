import { expect, test } from 'vitest';
import { formatS, formatSharpV, formatV, goType } from './goformat.ts';

test.each<[unknown, string, string, string]>([
  ['a', 'a', 'a', '"a"'],
  [1, '1', '%!s(int64=1)', '1'],
  [2 ** 63, '9.223372036854776e+18', '%!s(float64=9.223372036854776e+18)', '9.223372036854776e+18'],
  [1.5, '1.5', '%!s(float64=1.5)', '1.5'],
  [0.00001, '1e-05', '%!s(float64=1e-05)', '1e-05'],
  [true, 'true', '%!s(bool=true)', 'true'],
  [null, '<nil>', '%!s(<nil>)', 'interface {}(nil)'],
  [['a', 1], '[a 1]', '[a %!s(int64=1)]', '[]interface {}{"a", 1}'],
  [
    { b: { c: 1 }, a: [] },
    'map[a:[] b:map[c:1]]',
    'map[a:[] b:map[c:%!s(int64=1)]]',
    'map[string]interface {}{"a":[]interface {}{}, "b":map[string]interface {}{"c":1}}',
  ],
])('%j', (value, v, s, sharp) => {
  expect([formatV(value), formatS(value), formatSharpV(value)]).toEqual([v, s, sharp]);
});

test('types', () => {
  expect(['a', 1, 1.5, true, null, [], {}].map(goType)).toEqual([
    'string',
    'int64',
    'float64',
    'bool',
    '<nil>',
    '[]interface {}',
    'map[string]interface {}',
  ]);
});
