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
  /** `peer` is both: members of etcd are servers and clients to each other. */
  readonly usage: 'server' | 'client' | 'peer';
  /** DNS names and IP addresses. */
  readonly names?: readonly string[];
}

/** How keys are made, in kubeadm's words. */
export const keyAlgorithms = ['ECDSA-P256', 'ECDSA-P384', 'RSA-2048', 'RSA-3072', 'RSA-4096'] as const;
export type KeyAlgorithm = (typeof keyAlgorithms)[number];

/** What is the same for all certificates of an installation. */
export interface IssueOptions {
  /** Of the new key. ECDSA-P256 by default. */
  readonly algorithm?: KeyAlgorithm;
  /** Milliseconds from now on; a year for leaves and ten for authorities by default. */
  readonly lifetimeMs?: number;
}

export const day = 86_400_000;
const authorityLifetime = 3650 * day;
const leafLifetime = 365 * day;
/** Certificates start this long ago, for clients whose clocks are behind. */
const clockSkew = 3_600_000;

const usages = {
  server: ['serverAuth'],
  client: ['clientAuth'],
  peer: ['serverAuth', 'clientAuth'],
} as const;

/** Loaded when a certificate has to be made, which most starts need not. */
async function library() {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/**
 * A self-signed certificate authority.
 * @param options with `key`, the PEM of the private key to go on with: what it signed stays valid
 */
export async function createAuthority(
  commonName: string,
  now: Date,
  options: IssueOptions & { readonly key?: string | undefined } = {},
): Promise<KeyPair> {
  const x509 = await library();
  const { algorithm, pair: keys } = await (options.key === undefined
    ? newKeys(options.algorithm)
    : importKeys(options.key));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [commonName] }],
    issuer: [{ CN: [commonName] }],
    notBefore: new Date(now.getTime() - clockSkew),
    notAfter: new Date(now.getTime() + (options.lifetimeMs ?? authorityLifetime)),
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

/** A certificate with a new key, signed by `authority`; it ends with that at the latest. */
export async function issue(
  profile: CertificateProfile,
  authority: KeyPair,
  now: Date,
  options: IssueOptions = {},
): Promise<KeyPair> {
  const x509 = await library();
  const [{ pair: keys }, { algorithm, pair: signer }] = await Promise.all([
    newKeys(options.algorithm),
    importKeys(authority.key),
  ]);
  const issuer = new x509.X509Certificate(authority.certificate);
  const usage = usages[profile.usage].map((name) => x509.ExtendedKeyUsage[name]);
  const names = profile.names ?? [];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [...(profile.organizations ?? []).map((name) => ({ O: [name] })), { CN: [profile.commonName] }],
    issuer: issuer.subjectName,
    notBefore: new Date(now.getTime() - clockSkew),
    notAfter: new Date(Math.min(now.getTime() + (options.lifetimeMs ?? leafLifetime), issuer.notAfter.getTime())),
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension(usage),
      await x509.AuthorityKeyIdentifierExtension.create(signer.publicKey),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names.map(generalName))]),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: exportKey(keys.privateKey) };
}

/** What an authority elsewhere is asked to sign, with its new key, both PEM (RFC 2986). */
export async function createRequest(
  { commonName, organizations = [], names = [] }: CertificateProfile,
  algorithm?: KeyAlgorithm,
): Promise<{ readonly request: string; readonly key: string }> {
  const x509 = await library();
  const { algorithm: signingAlgorithm, pair: keys } = await newKeys(algorithm);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [...organizations.map((name) => ({ O: [name] })), { CN: [commonName] }],
    keys,
    signingAlgorithm,
    extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names.map(generalName))],
  });
  return { request: `${request.toString('pem')}\n`, key: exportKey(keys.privateKey) };
}

const generalName = (value: string) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value });

/** A private key of its own, PEM: what tokens of service accounts are signed by. */
export async function createSigningKey(algorithm: KeyAlgorithm): Promise<string> {
  return exportKey((await newKeys(algorithm)).pair.privateKey);
}

/** The public key of a private one, both PEM. */
export function publicKeyOf(key: string): string {
  return createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'pem' }).toString();
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
      isValid(certificate, now, margin) &&
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
    return certificate.checkPrivateKey(createPrivateKey(pair.key)) && isValid(certificate, now, margin);
  } catch {
    return false;
  }
}

/** Valid now, and `margin` milliseconds from now. One that was made while the clock was ahead is not valid yet. */
const isValid = ({ validFrom, validTo }: X509Certificate, now: Date, margin: number) =>
  Date.parse(validFrom) <= now.getTime() && Date.parse(validTo) > now.getTime() + margin;

function namesOf(certificate: X509Certificate): Set<string> {
  const entries = (certificate.subjectAltName ?? '').split(', ');
  return new Set(entries.map((entry) => canonicalName(entry.replace(/^(DNS|IP Address):/, ''))));
}

/** IPv6 addresses are written in more than one way. */
export const canonicalName = (name: string) =>
  isIP(name) === 6 ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name;

/** A key pair with what it signs by. */
interface Keys {
  readonly algorithm: SigningAlgorithm;
  readonly pair: webcrypto.CryptoKeyPair;
}

type SigningAlgorithm = { readonly name: string; readonly hash: string; readonly namedCurve?: string };

const ecdsa = (namedCurve: string, hash: string): SigningAlgorithm => ({ name: 'ECDSA', namedCurve, hash });
const rsa: SigningAlgorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };

async function newKeys(kind: KeyAlgorithm = 'ECDSA-P256'): Promise<Keys> {
  const [family, size] = kind.split('-') as [string, string];
  if (family === 'RSA') {
    const parameters = { ...rsa, modulusLength: Number(size), publicExponent: new Uint8Array([1, 0, 1]) };
    return { algorithm: rsa, pair: await generate(parameters) };
  }
  const algorithm = size === 'P384' ? ecdsa('P-384', 'SHA-384') : ecdsa('P-256', 'SHA-256');
  return { algorithm, pair: await generate(algorithm) };
}

async function generate(
  algorithm: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams | SigningAlgorithm,
): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(algorithm as webcrypto.RsaHashedKeyGenParams, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
}

/** What a private key signs by. @throws Error for keys that no certificate is signed with here */
function algorithmOf(key: KeyObject): SigningAlgorithm {
  if (key.asymmetricKeyType === 'rsa') return rsa;
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === 'prime256v1') return ecdsa('P-256', 'SHA-256');
  if (curve === 'secp384r1') return ecdsa('P-384', 'SHA-384');
  if (curve === 'secp521r1') return ecdsa('P-521', 'SHA-512');
  throw new Error(`an authority's key must be RSA or ECDSA, not ${curve ?? key.asymmetricKeyType}`);
}

async function importKeys(pem: string): Promise<Keys> {
  const privateKey = createPrivateKey(pem);
  const algorithm = algorithmOf(privateKey);
  const importKey = (format: 'pkcs8' | 'spki', der: Buffer, use: 'sign' | 'verify') =>
    webcrypto.subtle.importKey(format, der, algorithm, true, [use]);
  const pair = {
    privateKey: await importKey('pkcs8', privateKey.export({ type: 'pkcs8', format: 'der' }), 'sign'),
    publicKey: await importKey('spki', createPublicKey(privateKey).export({ type: 'spki', format: 'der' }), 'verify'),
  };
  return { algorithm, pair };
}

/** In the form that openssl and Go name by the kind of key. */
function exportKey(key: webcrypto.CryptoKey): string {
  const object = KeyObject.from(key);
  const type = object.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1';
  return object.export({ type, format: 'pem' }).toString();
}

/** 63 random bits, not 0, as a positive number in hexadecimal. */
function serialNumber(): string {
  const bytes = randomBytes(8);
  bytes[0] = (bytes[0]! & 0x7f) | 0x01;
  return bytes.toString('hex');
}
