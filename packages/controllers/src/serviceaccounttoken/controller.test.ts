import type { Secret } from '@keelson/api/generated/types/core/v1';
import { expect, test } from 'vitest';
import { claimsOf, lacking } from './controller.ts';

const secret = (data: Record<string, string>): Secret => ({ metadata: { namespace: 'ns', name: 's' }, data });
const encode = (text: string) => Buffer.from(text).toString('base64');

test.each<[string, Record<string, string>, ReturnType<typeof lacking>]>([
  ['an empty one', {}, { missing: { 'ca.crt': encode('CA'), namespace: encode('ns') }, needsToken: true }],
  [
    'one with an old authority',
    { 'ca.crt': encode('old'), namespace: 'x', token: 't' },
    { missing: { 'ca.crt': encode('CA') }, needsToken: false },
  ],
  ['one that is complete', { 'ca.crt': encode('CA'), namespace: 'x', token: 't' }, undefined],
])('%s', (_, data, expected) => {
  expect(lacking(secret(data), 'CA')).toEqual(expected);
});

test('a token names its account and its secret', () => {
  const account = { metadata: { namespace: 'ns', name: 'a', uid: 'u' } };
  expect(claimsOf(account, secret({}))).toEqual({
    iss: 'kubernetes/serviceaccount',
    sub: 'system:serviceaccount:ns:a',
    'kubernetes.io/serviceaccount/namespace': 'ns',
    'kubernetes.io/serviceaccount/secret.name': 's',
    'kubernetes.io/serviceaccount/service-account.name': 'a',
    'kubernetes.io/serviceaccount/service-account.uid': 'u',
  });
});
