import { expect, test } from 'vitest';
import { parseUrl, problemOfRequestUri, query } from './go-url.ts';

test.each([
  ['http://h/p?q#f', undefined],
  ['//[a b', undefined],
  ['/#%zz', 'parse "/#%zz": invalid URL escape "%zz"'],
  ['http://a[::1]/', 'parse "http://a[::1]/": invalid IP-literal'],
  ['http://[1.2.3.4]/', 'parse "http://[1.2.3.4]/": invalid IP-literal'],
  [
    'http://[::g]/',
    'parse "http://[::g]/": invalid host: ParseAddr("::g"): each colon-separated field must have at least one digit (at "g")',
  ],
  ['http://[fe80::1%25e%20h]:80/', undefined],
  ['http://[fe80::1%25e%2fh]:80/', 'parse "http://[fe80::1%25e%2fh]:80/": invalid URL escape "%2f"'],
  ['http://a:b:1/', 'parse "http://a:b:1/": invalid port ":b:1" after host'],
  ['mongodb://a:1,b:1/', undefined],
  ['http://a%41/', 'parse "http://a%41/": invalid URL escape "%41"'],
  ['http://a^b/', 'parse "http://a^b/": invalid character "^" in host name'],
  ['/\u0000', 'parse "/\\x00": net/url: invalid control character in URL'],
])('%s is a URI of a request: %s', (text, problem) => {
  expect(problemOfRequestUri(text)).toBe(problem);
});

test('a fragment is read apart', () => {
  expect(parseUrl('http://h/p?#a%41')).toMatchObject({ path: '/p', forceQuery: true, fragment: 'aA' });
});

test('of too many parameters there is none', () => {
  const of = (count: number) => query(parseUrl(`/?${new Array(count).fill('a').join('&')}`));
  expect(of(10_000).get('a')).toHaveLength(10_000);
  expect(of(10_001).size).toBe(0);
});
