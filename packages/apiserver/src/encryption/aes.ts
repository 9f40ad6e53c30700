/** AES as upstream's providers use it (apiserver/pkg/storage/value/encrypt/aes). */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { type Opened, TOO_SHORT, type ValueTransformer } from './transformer.ts';

const BLOCK = 16;

/** iv ‖ blocks, padded after PKCS#7. Nothing proves that a value is what was written, or where. */
export class AesCbc implements ValueTransformer {
  readonly #key: Buffer;
  readonly #algorithm: string;

  /** @param key of 16, 24 or 32 bytes */
  constructor(key: Buffer) {
    this.#key = key;
    this.#algorithm = `aes-${key.length * 8}-cbc`;
  }

  seal(value: Uint8Array): Uint8Array[] {
    const iv = randomBytes(BLOCK);
    const cipher = createCipheriv(this.#algorithm, this.#key, iv);
    return [iv, cipher.update(value), cipher.final()];
  }

  open(stored: Buffer): Opened {
    if (stored.length <= BLOCK) throw new Error(TOO_SHORT);
    if (stored.length % BLOCK !== 0) throw new Error('the stored data is not a multiple of the block size');
    const decipher = createDecipheriv(this.#algorithm, this.#key, stored.subarray(0, BLOCK)).setAutoPadding(false);
    const padded = decipher.update(stored.subarray(BLOCK));
    const padding = padded.at(-1)!;
    if (padding === 0 || padding > padded.length) throw new Error('invalid PKCS7 data (empty or not padded)');
    const value = padded.subarray(0, padded.length - padding);
    if (padded.subarray(value.length).some((byte) => byte !== padding)) throw new Error('invalid padding on input');
    return { value, stale: false };
  }
}

const NONCE = 12;
const TAG = 16;

/** nonce ‖ ciphertext ‖ tag, with the path as what is authenticated besides. */
export class AesGcm implements ValueTransformer {
  readonly #key: Buffer;
  readonly #algorithm: 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm';

  /** @param key of 16, 24 or 32 bytes; other lengths are refused when it is used */
  constructor(key: Buffer) {
    this.#key = key;
    this.#algorithm = `aes-${key.length * 8}-gcm` as 'aes-256-gcm';
  }

  seal(value: Uint8Array, path: string): Uint8Array[] {
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv(this.#algorithm, this.#key, nonce).setAAD(Buffer.from(path));
    const sealed = cipher.update(value);
    cipher.final();
    return [nonce, sealed, cipher.getAuthTag()];
  }

  open(stored: Buffer, path: string): Opened {
    if (stored.length < NONCE) throw new Error(TOO_SHORT);
    if (stored.length < NONCE + TAG) throw new Error(NOT_AUTHENTIC);
    const tagAt = stored.length - TAG;
    const decipher = createDecipheriv(this.#algorithm, this.#key, stored.subarray(0, NONCE), { authTagLength: TAG })
      .setAAD(Buffer.from(path))
      .setAuthTag(stored.subarray(tagAt));
    const value = decipher.update(stored.subarray(NONCE, tagAt));
    try {
      decipher.final();
    } catch (cause) {
      throw new Error(NOT_AUTHENTIC, { cause });
    }
    return { value, stale: false };
  }
}
const NOT_AUTHENTIC = 'cipher: message authentication failed';

const SEED = 32;
const INFO = 32;

/**
 * info ‖ nonce ‖ ciphertext ‖ tag: a key for each value, HKDF-Expand (RFC 5869) of the seed and what precedes the value, so that
 * no key wears out.
 */
export class ExtendedNonceGcm implements ValueTransformer {
  readonly #seed: Buffer;

  /** @throws Error if the seed has fewer than 32 bytes */
  constructor(seed: Buffer) {
    if (seed.length < SEED) throw new Error(`invalid seed length ${seed.length} used for key generation`);
    this.#seed = seed;
  }

  seal(value: Uint8Array, path: string): Uint8Array[] {
    const info = randomBytes(INFO);
    return [info, ...this.#keyed(info).seal(value, path)];
  }

  open(stored: Buffer, path: string): Opened {
    if (stored.length < INFO) throw new Error(TOO_SHORT);
    return this.#keyed(stored.subarray(0, INFO)).open(stored.subarray(INFO), path);
  }

  /** The first block of the expansion, which is all that a key of 32 bytes needs. */
  #keyed(info: Uint8Array): AesGcm {
    return new AesGcm(createHmac('sha256', this.#seed).update(info).update(FIRST_BLOCK).digest());
  }
}
const FIRST_BLOCK = Uint8Array.of(1);
