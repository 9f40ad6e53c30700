/** A serving certificate, for tests. */
import { generateKeyPairSync, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { x509Library } from '../x509-library.ts';
import type { ServingCertificate } from './listener.ts';

/** Its own authority. @param hosts DNS names and IP addresses */
export async function selfSigned(...hosts: readonly string[]): Promise<ServingCertificate> {
  const { X509CertificateGenerator, SubjectAlternativeNameExtension } = x509Library();
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const imported = (format: 'pkcs8' | 'spki', der: Buffer, use: 'sign' | 'verify') =>
    webcrypto.subtle.importKey(format, der, algorithm, true, [use]);
  const keys = {
    privateKey: await imported('pkcs8', privateKey.export({ type: 'pkcs8', format: 'der' }), 'sign'),
    publicKey: await imported('spki', publicKey.export({ type: 'spki', format: 'der' }), 'verify'),
  };
  const names = hosts.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }));
  const certificate = await X509CertificateGenerator.createSelfSigned(
    { name: 'CN=test', keys, signingAlgorithm: algorithm, extensions: [new SubjectAlternativeNameExtension(names)] },
    webcrypto as never,
  );
  return { cert: certificate.toString('pem'), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** Of a listener that has no faults. */
export function onFault(error: unknown): never {
  throw error;
}
