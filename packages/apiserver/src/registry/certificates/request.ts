/** Certificate requests (PKCS#10), as Go's crypto/x509 reads and checks them. */
import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { DerReader, sequence } from '../validation/der.ts';
import { readPem } from '../validation/pem.ts';

export interface CertificateRequest {
  /** Undefined for algorithms that are not known. */
  readonly publicKey: KeyObject | undefined;
  /** What is signed. */
  readonly content: Buffer;
  readonly algorithm: Algorithm;
  readonly signature: Buffer;
}

interface Algorithm {
  readonly oid: string;
  readonly parameters: Buffer | undefined;
}

/** @throws Error in Go's words */
export function parseRequestPEM(pem: Buffer): CertificateRequest {
  const block = readPem(pem.toString('latin1')).blocks[0];
  if (block?.type !== 'CERTIFICATE REQUEST') throw new Error('PEM block type must be CERTIFICATE REQUEST');
  return parseRequest(block.der);
}

/** @throws Error in Go's words */
export function parseRequest(der: Buffer): CertificateRequest {
  const outer = new DerReader(der);
  const request = outer.sequence('certificateRequest');
  const content = request.read(sequence('tbsCertificateRequest'));
  const publicKey = readContent(new DerReader(content.body));
  const algorithm = readAlgorithm(request.sequence('AlgorithmIdentifier'));
  const signature = request.bitString();
  if (!outer.done) throw new Error('asn1: syntax error: trailing data');
  return { publicKey, content: content.raw, algorithm, signature };
}

function readContent(content: DerReader): KeyObject | undefined {
  content.integer();
  content.readAny();
  const { raw, body } = content.read(sequence('publicKeyInfo'));
  const key = new DerReader(body);
  readAlgorithm(key.sequence('AlgorithmIdentifier'));
  key.bitString();
  content.readAny();
  try {
    return createPublicKey({ key: raw, format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

function readAlgorithm(reader: DerReader): Algorithm {
  const oid = reader.objectIdentifier();
  return { oid, parameters: reader.done ? undefined : reader.readAny().body };
}

type KeyType = 'rsa' | 'ec' | 'ed25519';

interface Scheme {
  readonly key: KeyType;
  readonly hash?: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  readonly padding?: number;
  /** Set for those that no one should use. */
  readonly insecure?: string;
}

const RSA = '1.2.840.113549.1.1';
const ECDSA = '1.2.840.10045.4';
const PSS = `${RSA}.10`;
const SCHEMES: Readonly<Record<string, Scheme>> = {
  [`${RSA}.4`]: { key: 'rsa', insecure: 'MD5-RSA' },
  [`${RSA}.5`]: { key: 'rsa', hash: 'sha1' },
  [`${RSA}.11`]: { key: 'rsa', hash: 'sha256' },
  [`${RSA}.12`]: { key: 'rsa', hash: 'sha384' },
  [`${RSA}.13`]: { key: 'rsa', hash: 'sha512' },
  [`${ECDSA}.1`]: { key: 'ec', hash: 'sha1' },
  [`${ECDSA}.3.2`]: { key: 'ec', hash: 'sha256' },
  [`${ECDSA}.3.3`]: { key: 'ec', hash: 'sha384' },
  [`${ECDSA}.3.4`]: { key: 'ec', hash: 'sha512' },
  '1.3.101.112': { key: 'ed25519' },
};
const KEY_NAMES: Readonly<Record<KeyType, string>> = { rsa: 'RSA', ec: 'ECDSA', ed25519: 'Ed25519' };
const GO_TYPES: Readonly<Record<KeyType, string>> = {
  rsa: '*rsa.PublicKey',
  ec: '*ecdsa.PublicKey',
  ed25519: 'ed25519.PublicKey',
};
const FAILURES: Readonly<Record<KeyType, string>> = {
  rsa: 'crypto/rsa: verification error',
  ec: 'x509: ECDSA verification failure',
  ed25519: 'x509: Ed25519 verification failure',
};

/** What is wrong with the request's signature of itself; undefined when it is right. */
export function signatureProblem({ publicKey, content, algorithm, signature }: CertificateRequest): string | undefined {
  const scheme = algorithm.oid === PSS ? pssScheme(algorithm.parameters) : SCHEMES[algorithm.oid];
  if (!scheme || !publicKey) return 'x509: cannot verify signature: algorithm unimplemented';
  if (scheme.insecure) return `x509: cannot verify signature: insecure algorithm ${scheme.insecure}`;
  const type = publicKey.asymmetricKeyType as KeyType;
  if (type !== scheme.key)
    return `x509: signature algorithm specifies an ${KEY_NAMES[scheme.key]} public key, but have public key of type ${GO_TYPES[type]}`;
  const key = scheme.padding === undefined ? publicKey : { key: publicKey, padding: scheme.padding };
  return verify(scheme.hash ?? null, content, key, signature) ? undefined : FAILURES[type];
}

const PSS_HASHES: Readonly<Record<string, 'sha256' | 'sha384' | 'sha512'>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** Go takes those alone whose hash and salt go together; the hash's name tells all three apart. */
function pssScheme(parameters: Buffer | undefined): Scheme | undefined {
  if (!parameters) return undefined;
  try {
    const hash = PSS_HASHES[readAlgorithm(new DerReader(new DerReader(parameters).readAny().body).sequence('')).oid];
    return hash && { key: 'rsa', hash, padding: constants.RSA_PKCS1_PSS_PADDING };
  } catch {
    return undefined;
  }
}
