import { createSecureContext } from 'node:tls';
import { expect, test } from 'vitest';
import { tlsOptions } from './tls.ts';

const options = (version: string, ...suites: string[]) =>
  tlsOptions({ 'tls-min-version': version, 'tls-cipher-suites': suites, 'tls-curve-preferences': [] });

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

const groupsOf = (...ids: number[]) =>
  tlsOptions({ 'tls-min-version': '', 'tls-cipher-suites': [], 'tls-curve-preferences': ids }).groups;

test('keys are agreed on in those ways alone that are named', () => {
  expect(groupsOf()).toBeUndefined();
  expect(groupsOf(29, 23, 24, 25)).toBe('X25519:P-256:P-384:P-521');
  const all = groupsOf(4587, 4588, 4589)!;
  expect(() => createSecureContext({ ecdhCurve: all })).not.toThrow();
});

test.each([
  [[0], 'curve preference 0 is out of range (must be 1-65535)'],
  [[65536], 'curve preference 65536 is out of range (must be 1-65535)'],
  [[23, 29, 23], 'duplicate curve preference 23'],
  [[30], 'curve preference 30 is not supported by the current Go version'],
])('%j: %s', (ids, message) => expect(() => groupsOf(...ids)).toThrow(message));
