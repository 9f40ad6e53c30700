import { expect, it } from 'vitest';
import { Path } from '../field.ts';
import {
  isDomainPrefixedKey,
  isDomainPrefixedPath,
  isFullyQualifiedDomainName,
  isFullyQualifiedName,
} from './domains.ts';

const path = Path.of('spec', 'name');
const KEY = 'should be a domain with at least';

it.each([
  [isFullyQualifiedName, 'a.b.c', []],
  [isFullyQualifiedName, '', ['spec.name: Required value']],
  [isFullyQualifiedName, 'a.b', [`spec.name: Invalid value: "a.b": ${KEY} three segments separated by dots`]],
  [isFullyQualifiedDomainName, 'a.b.', []],
  [isFullyQualifiedDomainName, 'a', [`spec.name: Invalid value: "a": ${KEY} two segments separated by dots`]],
  [
    isFullyQualifiedDomainName,
    `a.${'b'.repeat(64)}`,
    [`spec.name: Invalid value: "${'b'.repeat(64)}": must be no more than 63 characters`],
  ],
  [isDomainPrefixedPath, 'acme.io/a/b', []],
  [
    isDomainPrefixedPath,
    'acme.io/',
    ['spec.name: Invalid value: "acme.io/": must be a domain-prefixed path (such as "acme.io/foo")'],
  ],
  [
    isDomainPrefixedPath,
    'acme.io/a b',
    [`spec.name: Invalid value: "a b": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')`],
  ],
  [isDomainPrefixedKey, 'acme.io/foo', []],
  [
    isDomainPrefixedKey,
    'foo',
    ['spec.name: Invalid value: "foo": must be a domain-prefixed key (such as "acme.io/foo")'],
  ],
])('%o(%j)', (rule, value, errors) => {
  expect(rule(path, value).map(String)).toEqual(errors);
});
