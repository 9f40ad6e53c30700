/** What a certificate says. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type CertificateProfile, canonicalName, type KeyPair } from './certificate.ts';

export interface CertificateFacts {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
  readonly usage: CertificateProfile['usage'] | undefined;
  readonly isAuthority: boolean;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** The first certificate of a PEM text. @throws Error for none */
export function inspect(pem: string): CertificateFacts {
  const certificate = new X509Certificate(pem);
  const subject = certificate.subject?.split('\n') ?? [];
  const of = (key: string) =>
    subject.flatMap((part) => (part.startsWith(`${key}=`) ? [part.slice(key.length + 1)] : []));
  const names = (certificate.subjectAltName ?? '').split(', ');
  const starting = (prefix: string) =>
    names.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
  const usages = new Set(certificate.keyUsage ?? []);
  const [server, client] = [usages.has(SERVER_AUTH), usages.has(CLIENT_AUTH)];
  return {
    commonName: of('CN')[0] ?? '',
    organizations: of('O'),
    dnsNames: starting('DNS:'),
    addresses: starting('IP Address:').map(canonicalName),
    usage: server && client ? 'peer' : server ? 'server' : client ? 'client' : undefined,
    isAuthority: certificate.ca,
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
  };
}

/** What a certificate like it would be asked for with. @throws Error for one that serves and asks nobody */
export function profileOf(pem: string): CertificateProfile {
  const { commonName, organizations, usage, dnsNames, addresses } = inspect(pem);
  if (usage === undefined) throw new Error(`the certificate of ${commonName} is for neither servers nor clients`);
  return { commonName, organizations, usage, names: [...dnsNames, ...addresses] };
}

/** Whether an authority signed a certificate; an authority that was renewed with its key has signed it as well. */
export function isSignedBy(pem: string, authority: string): boolean {
  const [certificate, signer] = [new X509Certificate(pem), new X509Certificate(authority)];
  return certificate.issuer === signer.subject && certificate.verify(signer.publicKey);
}

/** Whether certificate and key belong together. */
export function keyFits({ certificate, key }: KeyPair): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
