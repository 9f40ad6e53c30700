import { expect, test } from 'vitest';
import { parseQuery } from './query.ts';

test.each<[text: string, parameters: [string, string][]]>([
  ['', []],
  [
    'a=1&b=%20&a=+',
    [
      ['a', '1'],
      ['b', ' '],
      ['a', ' '],
    ],
  ],
  [
    'watch&limit=',
    [
      ['watch', ''],
      ['limit', ''],
    ],
  ],
  ['limit=1;2&a=b', [['a', 'b']]],
  ['limit=%zz&a=b', [['a', 'b']]],
  ['%=1&a=b%4', []],
  ['a%3Bb=c%3D', [['a;b', 'c=']]],
])('%s', (text, parameters) => {
  expect([...parseQuery(text)]).toEqual(parameters);
});
