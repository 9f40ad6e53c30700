import { Path } from '@keelson/api/field';
import { describe, expect, it } from 'vitest';
import { texts } from '../testing.ts';
import {
  validateDomainPrefixedKey,
  validateDomainPrefixedPath,
  validateFullyQualifiedDomainName,
  validateFullyQualifiedName,
} from './domains.ts';

const path = Path.of('p');

describe.each([
  [
    validateFullyQualifiedDomainName,
    ['a.b', 'a.b.'],
    {
      '': 'p: Required value',
      a: 'p: Invalid value: "a": should be a domain with at least two segments separated by dots',
      [`${'a'.repeat(64)}.b`]: `p: Invalid value: "${'a'.repeat(64)}": must be no more than 63 characters`,
    },
  ],
  [
    validateFullyQualifiedName,
    ['a.b.c'],
    { 'a.b': 'p: Invalid value: "a.b": should be a domain with at least three segments separated by dots' },
  ],
  [
    validateDomainPrefixedPath,
    ['a.b/c/d', 'a/b'],
    {
      'a.b': 'p: Invalid value: "a.b": must be a domain-prefixed path (such as "acme.io/foo")',
      'a/b c': `p: Invalid value: "b c": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')`,
    },
  ],
  [
    validateDomainPrefixedKey,
    ['a.b/c'],
    { c: 'p: Invalid value: "c": must be a domain-prefixed key (such as "acme.io/foo")' },
  ],
])('%s', (validate, good, bad) => {
  it.each(good)('accepts %s', (value) => expect(validate(path, value)).toEqual([]));
  it.each(Object.entries(bad))('refuses %j', (value, text) => expect(texts(validate(path, value))).toEqual([text]));
});
