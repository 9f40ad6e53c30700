import { expect, test } from 'vitest';
import { stringify } from './stringify.ts';

test.each<[unknown, number, string]>([
  [{ 10: 'a', 2: 'b', a: { 1: [] } }, 0, '{"10":"a","2":"b","a":{"1":[]}}'],
  [{ z: 1, m: { 9: 1, '-1': 2, '01': 3, 10: 4 } }, 0, '{"z":1,"m":{"-1":2,"01":3,"10":4,"9":1}}'],
  [
    { s: '{"2":', t: [{ 3: undefined, 4: 12345678901234567890n }] },
    0,
    '{"s":"{\\"2\\":","t":[{"4":12345678901234567890}]}',
  ],
  [{ 2: {}, 10: [1] }, 2, '{\n  "10": [\n    1\n  ],\n  "2": {}\n}'],
])('keys that are integers stand in the order of strings (%#)', (value, indent, text) =>
  expect(stringify(value, indent)).toBe(text),
);
