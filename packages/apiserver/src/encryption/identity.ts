import type { Opened, ValueTransformer } from './transformer.ts';

/** What encrypted values begin with, whoever has encrypted them. */
const ENCRYPTED = Buffer.from('k8s:enc:');

/** What an operator is told whose server lacks the key. */
export const NOT_DECRYPTED = 'identity transformer tried to read encrypted data';

/** Whether only one who has a key can read it. */
export function isEncrypted(stored: Uint8Array): boolean {
  return stored[0] === ENCRYPTED[0] && ENCRYPTED.equals(stored.subarray(0, ENCRYPTED.length));
}

/** Stores values as they are, and knows those that it can't have stored. */
export const identity: ValueTransformer = {
  seal: (value) => [value],
  open(stored): Opened {
    if (isEncrypted(stored)) throw new Error(NOT_DECRYPTED);
    return { value: stored, stale: false };
  },
};
