import { Path } from '@keelson/api/field';
import { describe, expect, it } from 'vitest';
import { texts } from '../testing.ts';
import { validateCABundle } from './cabundle.ts';
import { validateWebhookService, validateWebhookUrl, type WebhookService } from './webhook.ts';

const path = Path.of('p');
const FORM = '; desired format: https://host[/path]';

describe('URLs', () => {
  it.each<[string, string[]]>([
    ['https://example.com/x', []],
    ['https://[::1]:8443', []],
    ['http://a', [`p: Invalid value: "http": 'https' is the only allowed URL scheme${FORM}`]],
    ['https://', [`p: Invalid value: "": host must be specified${FORM}`]],
    [
      'https://u@h/?q#f',
      [
        'p: Invalid value: "u": user information is not permitted in the URL',
        'p: Invalid value: "f": fragments are not permitted in the URL',
        'p: Invalid value: "q": query parameters are not permitted in the URL',
      ],
    ],
    [':x', [`p: Required value: url must be a valid URL: parse ":x": missing protocol scheme${FORM}`]],
    [
      'https://a:b',
      [`p: Required value: url must be a valid URL: parse "https://a:b": invalid port ":b" after host${FORM}`],
    ],
    [
      'https://a b',
      [`p: Required value: url must be a valid URL: parse "https://a b": invalid character " " in host name${FORM}`],
    ],
    [
      'https://a/%zz',
      [`p: Required value: url must be a valid URL: parse "https://a/%zz": invalid URL escape "%zz"${FORM}`],
    ],
    [
      'a:b/c:d\n',
      [
        `p: Required value: url must be a valid URL: parse "a:b/c:d\\n": net/url: invalid control character in URL${FORM}`,
      ],
    ],
    [
      '1:2',
      [
        `p: Required value: url must be a valid URL: parse "1:2": first path segment in URL cannot contain colon${FORM}`,
      ],
    ],
  ])('%j', (url, expected) => expect(texts(validateWebhookUrl(url, path))).toEqual(expected));
});

describe('services', () => {
  it.each<[Partial<WebhookService>, string[]]>([
    [{ path: '/a/b/' }, []],
    [{ name: '' }, ['p.namespace: Required value']],
    [{ namespace: '' }, ['p.name: Required value']],
    [{ port: 0 }, ['p.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive']],
    [{ path: '//' }, ['p.path: Invalid value: "//": segment[0] may not be empty']],
    [{ path: '/a//b' }, ['p.path: Invalid value: "/a//b": segment[1] may not be empty']],
    [
      { path: '/A' },
      [expect.stringContaining('p.path: Invalid value: "/A": segment[0]: a lowercase RFC 1123 subdomain')],
    ],
  ])('%j', (rest, expected) =>
    expect(texts(validateWebhookService({ namespace: 'n', name: 's', port: 443, ...rest }, path))).toEqual(expected),
  );
});

it('bundles hold a certificate', () => {
  expect(texts(validateCABundle(path, 'eA=='))).toEqual([
    'p: Invalid value: "eA==": unable to load root certificates: unable to parse bytes as PEM block',
  ]);
});
