import { expect, test } from 'vitest';
import { tlsOptions } from './tls.ts';

const options = (version: string, ...suites: string[]) =>
  tlsOptions({ 'tls-min-version': version, 'tls-cipher-suites': suites });

test.each([
  ['', 'TLSv1.2'],
  ['VersionTLS10', 'TLSv1.2'],
  ['VersionTLS12', 'TLSv1.2'],
  ['VersionTLS13', 'TLSv1.3'],
])('%j is at least %s', (version, minVersion) => {
  expect(options(version)).toEqual({ minVersion });
});

test.each([
  ['TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256', 'ECDHE-RSA-AES128-SHA256'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLS_RSA_WITH_AES_128_GCM_SHA256', 'AES128-GCM-SHA256'],
])('%s is %s', (suite, ciphers) => {
  expect(options('', suite).ciphers).toBe(ciphers);
});

test('what is unknown is named', () => {
  expect(() => options('', 'foo')).toThrow("Cipher suite foo not supported or doesn't exist");
  expect(() => options('foo')).toThrow('unknown tls version "foo"');
});
