import { createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import type { CertificateSigningRequest } from '@keelson/api/generated/types/certificates/v1';
import type { PodCertificateRequest } from '@keelson/api/generated/types/certificates/v1beta1';
import { describe, expect, test } from 'vitest';
import { permissionsFor } from './approving.ts';
import { isOver } from './cleaning.ts';
import { isLeftOver } from './pod-requests.ts';
import {
  clientProblem,
  KUBELET_CLIENT,
  kubeletClientProblem,
  kubeletServingProblem,
  library,
  parseRequest,
} from './requests.ts';
import { lifetime, sign } from './signer.ts';

const { x509 } = await library();
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

async function requestOf(
  subject: string,
  names: { type: 'dns' | 'ip' | 'email' | 'url'; value: string }[] = [],
): Promise<string> {
  const extensions = names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [];
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys,
    signingAlgorithm: algorithm,
    extensions,
  });
  return Buffer.from(request.toString('pem')).toString('base64');
}

const node = 'O=system:nodes, CN=system:node:a';
const usages = ['digital signature', 'client auth'];
const serving = ['digital signature', 'key encipherment', 'server auth'];

describe('requests', () => {
  test.each<[string, string, { type: 'dns' | 'ip'; value: string }[], string[], string | undefined]>([
    ['as it should be', node, [], usages, undefined],
    ['with an RSA key', node, [], [...usages, 'key encipherment'], undefined],
    ['of no organization', 'CN=system:node:a', [], usages, 'subject organization is not system:nodes'],
    ['of another name', 'O=system:nodes, CN=a', [], usages, 'subject common name does not begin with system:node:'],
    ['with a name', node, [{ type: 'dns', value: 'a' }], usages, 'DNS subjectAltNames are not allowed'],
    ['with an address', node, [{ type: 'ip', value: '10.0.0.1' }], usages, 'IP subjectAltNames are not allowed'],
    ['for another use', node, [], serving, 'usages did not match [client auth digital signature key encipherment]'],
  ])('for a client certificate, %s', async (_, subject, names, given, problem) => {
    expect(kubeletClientProblem(await parseRequest(await requestOf(subject, names)), given)).toBe(problem);
  });

  test('for a serving certificate have a name or an address', async () => {
    const without = await parseRequest(await requestOf(node));
    expect(kubeletServingProblem(without, serving)).toBe('DNS or IP subjectAltName is required');
    const named = await parseRequest(await requestOf(node, [{ type: 'ip', value: '10.0.0.1' }]));
    expect(kubeletServingProblem(named, serving)).toBeUndefined();
    expect(kubeletServingProblem(named, usages)).toContain('usages did not match');
  });

  test('of users are for clients', () => {
    expect(clientProblem(['client auth'])).toBeUndefined();
    expect(clientProblem(['client auth', 'server auth'])).toBe('invalid usage for client certificate: server auth');
    expect(clientProblem(['digital signature'])).toBe('missing required usage for client certificate: client auth');
  });

  test('that are none', async () => {
    await expect(parseRequest(Buffer.from('nothing').toString('base64'))).rejects.toThrow(
      'must be CERTIFICATE REQUEST',
    );
  });

  test('need the narrower permission first', async () => {
    const request = (username: string, signerName = KUBELET_CLIENT) =>
      ({ metadata: {}, spec: { signerName, username, usages, request: '' } }) as CertificateSigningRequest;
    const parsed = await parseRequest(await requestOf(node));
    const names = (given: CertificateSigningRequest) => permissionsFor(given, parsed).map((each) => each.subresource);
    expect(names(request('system:node:a'))).toEqual(['selfnodeclient', 'nodeclient']);
    expect(names(request('system:bootstrap:abc'))).toEqual(['nodeclient']);
    expect(names(request('system:node:a', 'example.com/other'))).toEqual([]);
  });
});

describe('certificates', () => {
  test('are signed by the authority for what was asked, and end before it does', async () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    const authorityKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const authority = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=ca',
      keys: authorityKeys,
      signingAlgorithm: algorithm,
      notBefore: new Date(now),
      notAfter: new Date(now + 30 * 3_600_000),
    });
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', authorityKeys.privateKey)).toString('base64');
    const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.match(/.{1,64}/g)!.join('\n')}\n-----END PRIVATE KEY-----\n`;
    const signer = { certificate: authority.toString('pem'), key };
    const request = await requestOf(node, [{ type: 'dns', value: 'a.example.com' }]);
    const issue = async (ms: number) =>
      new X509Certificate(Buffer.from(await sign(signer, request, serving, ms, now), 'base64'));
    const certificate = await issue(3_600_000);
    expect(certificate.verify(createPublicKey(signer.certificate))).toBe(true);
    expect(certificate.subject.split('\n').sort()).toEqual(['CN=system:node:a', 'O=system:nodes']);
    expect(certificate.subjectAltName).toBe('DNS:a.example.com');
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(certificate.ca).toBe(false);
    expect([certificate.validFrom, certificate.validTo].map(Date.parse)).toEqual([now - 300_000, now + 3_600_000]);
    expect(Date.parse((await issue(9 * 3_600_000)).validTo)).toBe(now + 9 * 3_600_000 - 300_000);
    expect(Date.parse((await issue(90 * 3_600_000)).validTo)).toBe(now + 30 * 3_600_000);
    await expect(sign(signer, request, ['world domination'], 1, now)).rejects.toThrow('unrecognized usage');
  });

  test('last as long as was asked, within bounds', () => {
    expect([undefined, 1, 3600, 10 ** 9].map((seconds) => lifetime(86_400_000, seconds))).toEqual([
      86_400_000, 600_000, 3_600_000, 86_400_000,
    ]);
  });
});

test.each<[string, object[], boolean]>([
  ['pending for a day', [], true],
  ['denied for two hours', [{ type: 'Denied', lastUpdateTime: '2026-01-02T00:00:00Z' }], true],
  ['denied just now', [{ type: 'Denied', lastUpdateTime: '2026-01-02T01:30:00Z' }], false],
  ['approved and waiting', [{ type: 'Approved', lastUpdateTime: '2026-01-02T00:00:00Z' }], false],
])('requests that were %s are over: %s', (_, conditions, over) => {
  const request = { metadata: { creationTimestamp: '2026-01-01T00:00:00Z' }, spec: {}, status: { conditions } };
  expect(isOver(request as never, Date.parse('2026-01-02T02:00:00Z'))).toBe(over);
});

test.each([
  ['2026-01-01T00:00:00Z', true],
  ['2026-01-01T00:00:01Z', false],
])(
  'a request of a pod from %s, a quarter of an hour and more after the first: left over %s',
  (creationTimestamp, over) => {
    const request = { metadata: { name: 'r', namespace: 'n', creationTimestamp } } as PodCertificateRequest;
    expect(isLeftOver(request, Date.parse('2026-01-01T00:15:00Z'))).toBe(over);
  },
);
