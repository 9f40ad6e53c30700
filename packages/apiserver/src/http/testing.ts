/** Serving certificates, for tests. */
import { generateKeyPairSync, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { x509Library } from '../x509-library.ts';
import type { ServingCertificate } from './listener.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Its own authority. @param hosts DNS names and IP addresses */
export async function selfSigned(...hosts: readonly string[]): Promise<ServingCertificate> {
  const { X509CertificateGenerator } = x509Library();
  const { keys, pem } = await pair();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    { name: 'CN=test', keys, signingAlgorithm: algorithm, extensions: [alternativeNames(hosts)] },
    webcrypto as never,
  );
  return { cert: certificate.toString('pem'), key: pem };
}

/** Issued by an authority whose own certificate nobody has. @param hosts DNS names and IP addresses */
export async function issued(...hosts: readonly string[]): Promise<ServingCertificate> {
  const { X509CertificateGenerator } = x509Library();
  const [authority, { keys, pem }] = await Promise.all([pair(), pair()]);
  const certificate = await X509CertificateGenerator.create(
    {
      subject: 'CN=test',
      issuer: 'CN=authority',
      publicKey: keys.publicKey,
      signingKey: authority.keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [alternativeNames(hosts)],
    },
    webcrypto as never,
  );
  return { cert: certificate.toString('pem'), key: pem };
}

async function pair() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const imported = (format: 'pkcs8' | 'spki', der: Buffer, use: 'sign' | 'verify') =>
    webcrypto.subtle.importKey(format, der, algorithm, true, [use]);
  const keys = {
    privateKey: await imported('pkcs8', privateKey.export({ type: 'pkcs8', format: 'der' }), 'sign'),
    publicKey: await imported('spki', publicKey.export({ type: 'spki', format: 'der' }), 'verify'),
  };
  return { keys, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function alternativeNames(hosts: readonly string[]) {
  const { SubjectAlternativeNameExtension } = x509Library();
  const names = hosts.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }));
  return new SubjectAlternativeNameExtension(names);
}

/** Of a listener that has no faults. */
export function onFault(error: unknown): never {
  throw error;
}
