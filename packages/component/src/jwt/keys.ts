/** The keys of service account tokens (pkg/serviceaccount/jwt.go). */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

export interface VerificationKey {
  /** Derived from the key, so that it does not tell the key: what tokens carry as `kid`. */
  readonly id: string;
  readonly key: KeyObject;
  /** The algorithm that tokens are signed with; others of the same kind are accepted too. */
  readonly algorithm: string;
}

export interface SigningKey extends VerificationKey {
  readonly privateKey: KeyObject;
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
/** @throws Error for a key that is neither RSA nor on one of the three curves */
export function signingKey(privateKey: KeyObject): SigningKey {
  return { ...verificationKey(createPublicKey(privateKey)), privateKey };
}

/** @throws Error as signingKey */
export function verificationKey(key: KeyObject): VerificationKey {
  const der = key.export({ type: 'spki', format: 'der' });
  return { id: createHash('sha256').update(der).digest('base64url'), key, algorithm: algorithmOf(key) };
}

function algorithmOf(key: KeyObject): string {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  const algorithm = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (!algorithm) throw new Error('unknown private key curve, must be 256, 384, or 521');
  return algorithm;
}

/** Keys in the order of the files; one that several files hold is there several times, as upstream publishes it. */
export class KeySet {
  readonly all: readonly VerificationKey[];

  constructor(keys: readonly VerificationKey[]) {
    this.all = keys;
  }
  /** Those of this id; all where a token names none. */
  for(id: string): readonly VerificationKey[] {
    return id === '' ? this.all : this.all.filter((k) => k.id === id);
  }
}
