/** The keys of service account tokens (pkg/serviceaccount/jwt.go). */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

export interface VerificationKey {
  /** What tokens carry as `kid`. */
  readonly id: string;
  readonly key: KeyObject;
}

export interface SigningKey extends VerificationKey {
  readonly privateKey: KeyObject;
  /** The algorithm that tokens are signed with; others of the same kind are accepted too. */
  readonly algorithm: string;
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
/** @throws Error for a key that is neither RSA nor on one of the three curves */
export function signingKey(privateKey: KeyObject): SigningKey {
  const key = createPublicKey(privateKey);
  return { ...verificationKey(key), privateKey, algorithm: algorithmOf(key) };
}

/** Its id is derived from the key, so that it does not tell the key. */
export function verificationKey(key: KeyObject): VerificationKey {
  const der = key.export({ type: 'spki', format: 'der' });
  return { id: createHash('sha256').update(der).digest('base64url'), key };
}

/** With which tokens are signed. @throws Error as signingKey */
export function algorithmOf(key: KeyObject): string {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  if (key.asymmetricKeyType !== 'ec')
    throw new Error('unknown public key type, must be *rsa.PublicKey, *ecdsa.PublicKey, or jose.OpaqueSigner');
  const algorithm = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (!algorithm) throw new Error('unknown private key curve, must be 256, 384, or 521');
  return algorithm;
}
