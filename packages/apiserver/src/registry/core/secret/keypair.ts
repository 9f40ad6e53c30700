/** Whether a certificate and a private key belong together, in the words of Go's crypto/tls X509KeyPair. */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type PemBlock, readPem } from '../../validation/pem.ts';

const KEY_TYPES = new Set(['rsa', 'ec', 'ed25519']);

/** What is wrong with the pair of PEM texts; undefined when they fit. */
export function keyPairProblem(certificate: Buffer, key: Buffer): string | undefined {
  const { blocks } = readPem(certificate.toString('latin1'));
  const leaf = blocks.find((b) => b.type === 'CERTIFICATE');
  if (!leaf) return missingCertificate(blocks.map((b) => b.type));
  const keyBlocks = readPem(key.toString('latin1')).blocks;
  const at = keyBlocks.findIndex((b) => b.type === 'PRIVATE KEY' || b.type.endsWith(' PRIVATE KEY'));
  if (at < 0) return missingKey(keyBlocks.map((b) => b.type));
  return mismatch(leaf, keyBlocks[at]!);
}

function missingCertificate(types: string[]): string {
  const head = 'tls: failed to find';
  if (types.length === 0) return `${head} any PEM data in certificate input`;
  if (types.length === 1 && types[0]!.endsWith('PRIVATE KEY'))
    return `${head} certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched`;
  return `${head} "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [${types.join(' ')}]`;
}

function missingKey(types: string[]): string {
  if (types.length === 0) return 'tls: failed to find any PEM data in key input';
  if (types.length === 1 && types[0] === 'CERTIFICATE')
    return 'tls: found a certificate rather than a key in the PEM for the private key';
  return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [${types.join(' ')}]`;
}

function mismatch(certificate: PemBlock, key: PemBlock): string | undefined {
  let publicKey: KeyObject;
  try {
    publicKey = new X509Certificate(certificate.der).publicKey;
  } catch {
    return 'x509: malformed certificate';
  }
  const privateKey = parsePrivateKey(key.der);
  if (!privateKey) return 'tls: failed to parse private key';
  if (!KEY_TYPES.has(privateKey.asymmetricKeyType ?? ''))
    return 'tls: found unknown private key type in PKCS#8 wrapping';
  if (!KEY_TYPES.has(publicKey.asymmetricKeyType ?? '')) return 'tls: unknown public key algorithm';
  if (privateKey.asymmetricKeyType !== publicKey.asymmetricKeyType)
    return 'tls: private key type does not match public key type';
  return createPublicKey(privateKey).equals(publicKey) ? undefined : 'tls: private key does not match public key';
}

/** The block's type does not say which of the three it is. */
function parsePrivateKey(der: Buffer): KeyObject | undefined {
  for (const type of ['pkcs1', 'pkcs8', 'sec1'] as const) {
    try {
      return createPrivateKey({ key: der, format: 'der', type });
    } catch {
      // the next format may fit
    }
  }
  return undefined;
}
