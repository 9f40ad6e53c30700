/** The key by which an installation's authorities are kept in the cluster (kubeadm/app/phases/copycerts, util/crypto). */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';

/** A key in hexadecimal that nobody can guess. */
export const newCertificateKey = (): string => randomBytes(KEY_BYTES).toString('hex');

/** @returns what is wrong with a key, in words that do not show it; undefined: nothing */
export function certificateKeyProblem(key: string): string | undefined {
  if (!/^([0-9a-f]{2})*$/i.test(key)) return 'certificate key decoding error: it is not hexadecimal';
  if (key.length / 2 === KEY_BYTES) return undefined;
  return `invalid certificate key size ${key.length / 2}, the key must be an AES key of size ${KEY_BYTES}`;
}

/** AES-GCM: the nonce, what it was made of, and its tag. @param key in hexadecimal */
export function encrypt(text: string, key: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, Buffer.from(key, 'hex'), nonce);
  return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

/** The other way round. @throws Error where it was made with another key, or changed since */
export function decrypt(sealed: Buffer, key: string): string {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new Error('size of data is less than the nonce');
  const decipher = createDecipheriv(CIPHER, Buffer.from(key, 'hex'), sealed.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const text = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    return Buffer.concat([text, decipher.final()]).toString();
  } catch {
    throw new Error('cipher: message authentication failed');
  }
}
