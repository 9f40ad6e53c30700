/** Signs what was approved, with the cluster's authority (pkg/controller/certificates/{signer,authority}). */
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from 'node:crypto';
import { ALTERNATIVE_NAMES, library } from './requests.ts';

/** PEM. */
export interface Authority {
  readonly certificate: string;
  readonly key: string;
}

/** Certificates begin so long ago, for clocks that are behind. */
const BACKDATE_MS = 5 * 60_000;
/** Those that last no longer than this are not shortened by it. */
const SHORT_MS = 8 * 3_600_000;
const MIN_MS = 10 * 60_000;

/** Milliseconds that a certificate is valid for. */
export function lifetime(longestMs: number, wantedSeconds: number | undefined): number {
  if (wantedSeconds === undefined) return longestMs;
  return Math.min(longestMs, Math.max(MIN_MS, wantedSeconds * 1000));
}

/** By usage: the bit of a key's usages, or the purpose, that stands for it. */
const KEY_USAGES: Readonly<Record<string, string>> = {
  signing: 'digitalSignature',
  'digital signature': 'digitalSignature',
  'content commitment': 'nonRepudiation',
  'key encipherment': 'keyEncipherment',
  'key agreement': 'keyAgreement',
  'data encipherment': 'dataEncipherment',
  'cert sign': 'keyCertSign',
  'crl sign': 'cRLSign',
  'encipher only': 'encipherOnly',
  'decipher only': 'decipherOnly',
};
const PURPOSES: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

/**
 * @param request base64 of PEM
 * @param now milliseconds since 1970
 * @returns the certificate, base64 of PEM. @throws Error for an authority that cannot sign or a usage that is none
 */
export async function sign(
  authority: Authority,
  request: string,
  usages: readonly string[],
  validForMs: number,
  now: number,
): Promise<string> {
  const { x509 } = await library();
  const issuer = new x509.X509Certificate(authority.certificate);
  const asked = new x509.Pkcs10CertificateRequest(Buffer.from(request, 'base64').toString());
  const { signingKey, signingAlgorithm } = await keyOf(authority);
  const unknown = usages.filter((usage) => !KEY_USAGES[usage] && !PURPOSES[usage]);
  if (unknown.length > 0) throw new Error(`unrecognized usage values: ${JSON.stringify(unknown)}`);
  const bits = usages.flatMap((usage) => KEY_USAGES[usage] ?? []);
  const flags = x509.KeyUsageFlags as unknown as Readonly<Record<string, number>>;
  const purposes = usages.flatMap((usage) => PURPOSES[usage] ?? []);
  const names = asked.getExtension(ALTERNATIVE_NAMES);
  const end = now + validForMs - (validForMs < SHORT_MS ? 0 : BACKDATE_MS);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomBytes(16).toString('hex').replace(/^./, '1'),
    subject: asked.subjectName,
    issuer: issuer.subjectName,
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(Math.min(end, issuer.notAfter.getTime())),
    publicKey: asked.publicKey,
    signingKey,
    signingAlgorithm,
    extensions: [
      ...(bits.length > 0
        ? [
            new x509.KeyUsagesExtension(
              bits.reduce((sum, bit) => sum | (flags[bit] ?? 0), 0),
              true,
            ),
          ]
        : []),
      ...(purposes.length > 0 ? [new x509.ExtendedKeyUsageExtension(purposes)] : []),
      new x509.BasicConstraintsExtension(false, undefined, true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ...(names ? [names] : []),
    ],
  });
  return Buffer.from(`${certificate.toString('pem')}\n`).toString('base64');
}

async function keyOf({ key }: Authority) {
  const privateKey = createPrivateKey(key);
  const isRsa = privateKey.asymmetricKeyType === 'rsa';
  const curve = createPublicKey(privateKey).export({ format: 'jwk' }).crv ?? 'P-256';
  const algorithm = isRsa
    ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    : { name: 'ECDSA', namedCurve: curve, hash: 'SHA-256' };
  const der = privateKey.export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
  return { signingKey, signingAlgorithm: algorithm };
}
