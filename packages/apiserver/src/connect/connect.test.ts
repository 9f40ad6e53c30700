import type { Pod } from '@keelson/api/generated/types/core/v1';
import { expect, test } from 'vitest';
import { escapePath } from './backend.ts';
import { goErrorText } from './goerror.ts';
import { outcomeOf } from './outcome.ts';
import { containerOf } from './pods.ts';
import { proxiedName } from './proxied.ts';

function pod(containers: readonly string[], initContainers: readonly string[] = []): Pod {
  const named = (names: readonly string[]) => names.map((name) => ({ name, image: 'i', resources: {} }));
  return {
    metadata: { name: 'p' },
    spec: { containers: named(containers), initContainers: named(initContainers) },
    status: {},
  } as object as Pod;
}

test.each([
  [pod(['c']), undefined, 'c'],
  [pod(['c'], ['i']), '', 'c'],
  [pod(['c', 'd'], ['i']), 'i', 'i'],
])('the container is found', (of, wanted, found) => {
  expect(containerOf(of, wanted)).toBe(found);
});

test.each([
  [pod(['c', 'd'], ['i']), '', 'a container name must be specified for pod p, choose one of: [i c d]'],
  [pod([]), '', 'a container name must be specified for pod p'],
  [pod(['c']), 'd', 'container d is not valid for pod p'],
])('the container is not found', (of, wanted, message) => {
  expect(() => containerOf(of, wanted)).toThrow(message);
});

test.each([
  ['p', { scheme: '', name: 'p', port: '' }],
  ['p:', { scheme: '', name: 'p', port: '' }],
  ['p:http', { scheme: '', name: 'p', port: 'http' }],
  ['https:p:443', { scheme: 'https', name: 'p', port: '443' }],
])('%s names a port', (id, name) => {
  expect(proxiedName(id, 'pod')).toEqual(name);
});

test.each(['', ':80', 'ftp:p:1', 'a:b:c:d', 'http::1'])('%j names nothing', (id) => {
  expect(() => proxiedName(id, 'service')).toThrow(`invalid service request ${JSON.stringify(id)}`);
});

test.each([
  ['/a b', '/a%20b'],
  ['/[x]!*', '/%5Bx%5D%21%2A'],
  ['/ä', '/%C3%A4'],
  ['/$&+,:;=@-_.~', '/$&+,:;=@-_.~'],
])('the path %s goes out as %s', (path, escaped) => {
  expect(escapePath(path)).toBe(escaped);
});

test.each([
  [{ code: 'ECONNREFUSED', address: '::1', port: 80 }, 'dial tcp [::1]:80: connect: connection refused'],
  [{ code: 'ETIMEDOUT', address: '10.0.0.1', port: 80 }, 'dial tcp 10.0.0.1:80: i/o timeout'],
  [{ code: 'ENOTFOUND', hostname: 'node' }, 'dial tcp: lookup node: no such host'],
  [{ code: 'ECONNRESET' }, 'EOF'],
  [{ code: 'EPROTO', message: 'tlsv1 alert internal error:SSL alert number 80' }, 'remote error: tls: internal error'],
  [{ code: 'EPROTO' }, 'tls: first record does not look like a TLS handshake'],
  [
    { code: 'SELF_SIGNED_CERT_IN_CHAIN' },
    'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  ],
  [
    { code: 'ERR_TLS_CERT_ALTNAME_INVALID', host: 'a', cert: { subjectaltname: 'DNS:b, DNS:c, IP Address:1.2.3.4' } },
    'tls: failed to verify certificate: x509: certificate is valid for b, c, not a',
  ],
  [
    { code: 'ERR_TLS_CERT_ALTNAME_INVALID', host: '1.2.3.4', cert: { subjectaltname: 'DNS:b' } },
    "tls: failed to verify certificate: x509: cannot validate certificate for 1.2.3.4 because it doesn't contain any IP SANs",
  ],
])('%j in the words of Go', (error, text) => {
  expect(goErrorText(Object.assign(new Error('x'), error), '10.0.0.1:80')).toBe(text);
});

const exit = (message: string) =>
  JSON.stringify({
    status: 'Failure',
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message }] },
  });

test.each([
  ['', true, undefined],
  ['{"status":"Success"}', true, undefined],
  [exit('3'), true, 'command terminated with non-zero exit code: command terminated with exit code 3'],
  [exit('300'), true, 'Internal error occurred: error stream protocol error: invalid exit code value "300"'],
  ['{"status":"Failure","message":"no"}', true, 'Internal error occurred: no'],
  ['{}', true, 'Internal error occurred: error stream protocol error: unknown error'],
  ['no', false, 'Internal error occurred: error executing remote command: no'],
])('a command ends with %s', (message, isStatus, said) => {
  const outcome = outcomeOf(message, isStatus);
  expect([outcome.status, outcome.message]).toEqual([said === undefined ? 'Success' : 'Failure', said]);
});
