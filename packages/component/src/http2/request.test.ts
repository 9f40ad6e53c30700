import { expect, it } from 'vitest';
import type { Field } from './hpack.ts';
import { areTrailers, requestHead } from './request.ts';

const GET: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/'],
];

it('joins what is a list, and takes the first of what is not', () => {
  const head = requestHead([
    ...GET,
    ['accept', 'a'],
    ['authorization', 'Bearer one'],
    ['accept', 'b'],
    ['authorization', 'Bearer two'],
    ['accept-encoding', 'c'],
    ['accept-encoding', 'd'],
    ['__proto__', 'x'],
  ]);
  expect(head?.headers).toMatchObject({ accept: 'a', 'accept-encoding': 'c, d', authorization: 'Bearer one' });
  expect(Object.keys(head!.headers)).toContain('__proto__');
  expect(head?.rawHeaders.filter((_, i) => i % 2 === 1)).toEqual(['a', 'Bearer one', 'b', 'Bearer two', 'c', 'd', 'x']);
  expect(head?.length).toBeUndefined();
});

it.each<[what: string, fields: readonly Field[], isRequest: boolean]>([
  ['as it should be', GET, true],
  [
    'with a tunnel',
    [
      [':method', 'CONNECT'],
      [':authority', 'a:1'],
    ],
    true,
  ],
  ['with trailers announced', [...GET, ['te', 'trailers']], true],
  ['with bytes beyond ASCII', [...GET, ['x', 'caf\xe9']], true],
  ['without a method', GET.slice(1), false],
  ['without a path', GET.slice(0, 2), false],
  ['with an empty path', [...GET.slice(0, 2), [':path', '']], false],
  ['with a method twice', [...GET, [':method', 'GET']], false],
  ['with a pseudo header of answers', [...GET, [':status', '200']], false],
  ['with a pseudo header behind a header', [['x', 'y'], ...GET], false],
  ['with a name in upper case', [...GET, ['X', 'y']], false],
  ['with a name of nothing', [...GET, ['', 'y']], false],
  ['with a name of two words', [...GET, ['x y', 'y']], false],
  ['with a line end', [...GET, ['x', 'a\r\nb: c']], false],
  ['with a value that ends with a space', [...GET, ['authorization', 'Bearer ']], true],
  ['with a path that ends with a space', [...GET.slice(0, 2), [':path', '/ ']], false],
  ['with a header of connections', [...GET, ['transfer-encoding', 'chunked']], false],
  ['with what it takes behind the answer', [...GET, ['te', 'gzip']], false],
  ['with a length that is no number', [...GET, ['content-length', '+5']], false],
])('a request %s', (_what, fields, isRequest) => {
  expect(requestHead(fields) !== undefined).toBe(isRequest);
});

it('trailers are fields alone', () => {
  expect([areTrailers([['x', 'y']]), areTrailers([[':path', '/']])]).toEqual([true, false]);
});
