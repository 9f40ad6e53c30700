/** NaCl's secretbox: nonce ‖ tag ‖ ciphertext (apiserver/pkg/storage/value/encrypt/secretbox). */
import { randomBytes } from 'node:crypto';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { type Opened, TOO_SHORT, type ValueTransformer } from './transformer.ts';

const NONCE = 24;
const TAG = 16;

export class Secretbox implements ValueTransformer {
  readonly #key: Buffer;

  /** @param key of 32 bytes */
  constructor(key: Buffer) {
    this.#key = key;
  }

  seal(value: Uint8Array): Uint8Array[] {
    const nonce = randomBytes(NONCE);
    return [nonce, xsalsa20poly1305(this.#key, nonce).encrypt(value)];
  }

  open(stored: Buffer): Opened {
    if (stored.length < NONCE + TAG) throw new Error(TOO_SHORT);
    const box = xsalsa20poly1305(this.#key, stored.subarray(0, NONCE));
    try {
      const { buffer, byteOffset, length } = box.decrypt(stored.subarray(NONCE));
      return { value: Buffer.from(buffer, byteOffset, length), stale: false };
    } catch (cause) {
      throw new Error('output array was not large enough for encryption', { cause });
    }
  }
}
