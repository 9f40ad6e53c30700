import { createPrivateKey, createPublicKey, KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate (with what signed it behind, where a file wants the chain) and its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** What a certificate should say. */
export interface CertificateProfile {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly usage: 'server' | 'client';
  /** DNS names and IP addresses. */
  readonly names?: readonly string[];
}

export const day = 86_400_000;
const authorityLifetime = 3650 * day;
const leafLifetime = 365 * day;
/** Certificates start this long ago, for clients whose clocks are behind. */
const clockSkew = 3_600_000;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Loaded when a certificate has to be made, which most starts need not. */
async function library() {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/**
 * A self-signed certificate authority, valid for ten years.
 * @param key PEM of the private key to go on with: what it signed stays valid; without it a new P-256 key is made
 */
export async function createAuthority(commonName: string, now: Date, key?: string): Promise<KeyPair> {
  const x509 = await library();
  const keys = key === undefined ? await newKeys() : await importKeys(key);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [commonName] }],
    issuer: [{ CN: [commonName] }],
    notBefore: new Date(now.getTime() - clockSkew),
    notAfter: new Date(now.getTime() + authorityLifetime),
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment | x509.KeyUsageFlags.keyCertSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: commonName }]),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: exportKey(keys.privateKey) };
}

/** A certificate for one year with a new P-256 key, signed by `authority`. */
export async function issue(profile: CertificateProfile, authority: KeyPair, now: Date): Promise<KeyPair> {
  const x509 = await library();
  const [keys, signer] = await Promise.all([newKeys(), importKeys(authority.key)]);
  const issuer = new x509.X509Certificate(authority.certificate);
  const usage = x509.ExtendedKeyUsage[profile.usage === 'server' ? 'serverAuth' : 'clientAuth'];
  const names = profile.names ?? [];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [...(profile.organizations ?? []).map((name) => ({ O: [name] })), { CN: [profile.commonName] }],
    issuer: issuer.subjectName,
    notBefore: new Date(now.getTime() - clockSkew),
    notAfter: new Date(Math.min(now.getTime() + leafLifetime, issuer.notAfter.getTime())),
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      await x509.AuthorityKeyIdentifierExtension.create(signer.publicKey),
      ...(names.length === 0
        ? []
        : [
            new x509.SubjectAlternativeNameExtension(
              names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
            ),
          ]),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: exportKey(keys.privateKey) };
}

/**
 * Whether a certificate can go on serving its purpose: it says what `profile` wants, `authority` signed it, its key
 * fits, and it is valid for at least `margin` milliseconds more.
 */
export function isCurrent(
  pair: KeyPair,
  profile: CertificateProfile,
  authority: string,
  now: Date,
  margin: number,
): boolean {
  try {
    const certificate = new X509Certificate(pair.certificate);
    const subject = certificate.subject.split('\n');
    const names = namesOf(certificate);
    return (
      certificate.verify(new X509Certificate(authority).publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(pair.key)) &&
      expiresAfter(certificate, now.getTime() + margin) &&
      subject.includes(`CN=${profile.commonName}`) &&
      (profile.organizations ?? []).every((name) => subject.includes(`O=${name}`)) &&
      (profile.names ?? []).every((name) => names.has(canonicalName(name)))
    );
  } catch {
    return false;
  }
}

/** Whether an authority's certificate fits its key and is valid for at least `margin` milliseconds more. */
export function isCurrentAuthority(pair: KeyPair, now: Date, margin: number): boolean {
  try {
    const certificate = new X509Certificate(pair.certificate);
    return certificate.checkPrivateKey(createPrivateKey(pair.key)) && expiresAfter(certificate, now.getTime() + margin);
  } catch {
    return false;
  }
}

const expiresAfter = (certificate: X509Certificate, time: number) => Date.parse(certificate.validTo) > time;

function namesOf(certificate: X509Certificate): Set<string> {
  const entries = (certificate.subjectAltName ?? '').split(', ');
  return new Set(entries.map((entry) => canonicalName(entry.replace(/^(DNS|IP Address):/, ''))));
}

/** IPv6 addresses are written in more than one way. */
const canonicalName = (name: string) => (isIP(name) === 6 ? new URL(`http://[${name}]`).hostname : name);

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function importKeys(pem: string): Promise<webcrypto.CryptoKeyPair> {
  const privateKey = createPrivateKey(pem);
  const importKey = (format: 'pkcs8' | 'spki', der: Buffer, use: 'sign' | 'verify') =>
    webcrypto.subtle.importKey(format, der, algorithm, true, [use]);
  return {
    privateKey: await importKey('pkcs8', privateKey.export({ type: 'pkcs8', format: 'der' }), 'sign'),
    publicKey: await importKey('spki', createPublicKey(privateKey).export({ type: 'spki', format: 'der' }), 'verify'),
  };
}

const exportKey = (key: webcrypto.CryptoKey) => KeyObject.from(key).export({ type: 'sec1', format: 'pem' }).toString();

/** 63 random bits, not 0, as a positive number in hexadecimal. */
function serialNumber(): string {
  const bytes = randomBytes(8);
  bytes[0] = (bytes[0]! & 0x7f) | 0x01;
  return bytes.toString('hex');
}
