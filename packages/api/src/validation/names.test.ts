import { describe, expect, it } from 'vitest';
import * as names from './names.ts';

const a = (n: number) => 'a'.repeat(n);

describe('what passes and what does not', () => {
  const cases: [rule: (value: string) => string[], valid: string[], invalid: string[]][] = [
    [
      names.isQualifiedName,
      ['simple', '1-starts-with-num', '1.2.3.4/5678', 'example.com/Uppercase_Is_OK_123', a(63), `${a(253)}/${a(63)}`],
      [
        'nospecial%^=@',
        'ends-',
        '-starts',
        'only/one/slash',
        'Example.com/abc',
        'example_com/abc',
        'e.com/',
        '/x',
        a(64),
      ],
    ],
    [names.isValidLabelValue, ['', '1234', a(63), 'a.b_c-d'], ['a b', 'rā', '-a', 'a-', '.a', 'a.', a(64), 'a\n']],
    [names.isDNS1123Label, ['a', '0', 'a--1', a(63)], ['', 'A', '-', 'a-', '-a', 'a.b', 'a_b', a(64), 'a\n']],
    [
      names.isDNS1123Subdomain,
      ['a', 'a.b', '0.1.a--b', a(253)],
      ['', '.', 'a.', '.a', 'a..b', 'a.-b', 'A.b', a(254), 'é'],
    ],
    [names.isDNS1123SubdomainWithUnderscore, ['_a._b', 'a_b', 'a.b'], ['_', '__a', 'a_', 'A', '']],
    [names.isWildcardDNS1123Subdomain, ['*.a', '*.a.b-c'], ['*', '*.', '*.*.a', '*a.b', 'f*.a', 'a.b']],
    [names.isDNS1035Label, ['a', 'a-1'], ['1a', '-a', 'a-', 'a.b', '', a(64)]],
    [names.isCIdentifier, ['a', '_a', 'A1__'], ['', '1a', 'a-b', 'a.b', 'a b']],
    [names.isHTTPHeaderName, ['X-Header', '-'], ['', 'X_Header', 'X:']],
    [names.isValidPercent, ['0%', '12345%'], ['', '%', '12', '1.5%', '-1%', '1%%']],
    [names.isConfigMapKey, ['a', 'A.b-c_d', '.a', 'a..'], ['', '.', '..', '..a', 'a b', 'a/b', a(254)]],
    [names.isRelaxedEnvVarName, ['1a', ' ', 'a-b.c:~'], ['', 'a=b', 'é', 'a\t']],
    [names.isValidPortName, ['a', 'a-1', a(15)], ['', '1', 'A', 'a--b', '-a', 'a-', a(16), 'a_b']],
    [names.isDecimalInteger, ['0', '-1', '120'], ['', '-', '-0', '01', '+1', '1e3']],
    [names.isLongNameCaseless, ['Foo.COM'], ['Foo_', '']],
  ];
  for (const [rule, valid, invalid] of cases) {
    it.each(valid)(`${rule.name} takes %j`, (v) => expect(rule(v)).toEqual([]));
    it.each(invalid)(`${rule.name} refuses %j`, (v) => expect(rule(v).length).toBeGreaterThan(0));
  }
});

describe('messages', () => {
  it('shows examples and the expression', () => {
    expect(names.isDNS1123Label('A')).toEqual([
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ]);
    expect(names.isDNS1123Label('a.b')).toEqual(['must not contain dots']);
    expect(names.isDNS1123Label(a(64))).toEqual(['must be no more than 63 characters']);
  });
  it('names the part of a qualified name', () => {
    expect(names.isQualifiedName(`/${a(64)}`)).toEqual([
      'prefix part must be non-empty',
      'name part must be no more than 63 bytes',
    ]);
    expect(names.isQualifiedName('x/')[0]).toBe('name part must be non-empty');
    expect(names.isQualifiedName('x/')).toHaveLength(2);
    expect(names.isQualifiedName('a/b/c')[0]).toMatch(
      /^a valid label key must consist.*\(e\.g\. 'example\.com\/MyName'\)$/,
    );
  });
  it('counts bytes', () => {
    expect(names.isValidLabelValue('é'.repeat(32))[0]).toBe('must be no more than 63 bytes');
  });
});

describe('name rules', () => {
  it('lets a generateName end in a dash', () => {
    expect(names.nameIsDNSSubdomain('web-', true)).toEqual([]);
    expect(names.nameIsDNSSubdomain('web-', false)).toHaveLength(1);
    expect(names.nameIsPathSegment('..', true)).toEqual([]);
    expect(names.nameIsPathSegment('..', false)).toEqual(["may not be '..'"]);
    expect(names.nameIsPathSegment('a/b%', false)).toEqual(["may not contain '/'", "may not contain '%'"]);
  });
});

it('answers in linear time', () => {
  const long = `${'a-'.repeat(500_000)}!`;
  const start = performance.now();
  names.isDNS1123Subdomain(long);
  names.isQualifiedName(long);
  names.isDNS1123Label(`${a(1_000_000)}!`);
  expect(performance.now() - start).toBeLessThan(1000);
});
