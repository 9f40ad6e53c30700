/**
 * Envelope encryption: a data key encrypts the value, a key management service the data key, which is stored with the value
 * (apiserver/pkg/storage/value/encrypt/envelope/kmsv2).
 *
 *     k8s:enc:kms:v2:NAME: ‖ EncryptedObject{ data, key id, encrypted seed, annotations }
 */
import { LRUCache } from 'lru-cache';
import { asError } from '../../aggregate.ts';
import { AesGcm, ExtendedNonceGcm } from '../aes.ts';
import type { EncryptionMetrics } from '../metrics.ts';
import type { Opened, ValueTransformer } from '../transformer.ts';
import { cacheKeyOf, decodeEncryptedObject, encodeEncryptedObject } from './encrypted-object.ts';
import { type EncryptedObject, EXTENDED_NONCE_SEED } from './messages.ts';
import type { KmsPlugin } from './plugin.ts';
import type { WriteKeys } from './write-key.ts';

export interface EnvelopeOptions {
  /** Of the provider. */
  readonly name: string;
  readonly plugin: KmsPlugin;
  readonly keys: WriteKeys;
  readonly metrics: EncryptionMetrics;
  readonly uuid: () => string;
}

/** There is one for each start of a server and each key that a plugin has had, until all values are written anew. */
const MAX_DATA_KEYS = 4096;

export class Envelope implements ValueTransformer {
  readonly #options: EnvelopeOptions;
  /** What values of a data key are decrypted with: the plugin is asked once for each key. */
  readonly #ciphers = new LRUCache<string, ValueTransformer>({ max: MAX_DATA_KEYS });
  /** What is being asked for, so that many values of one key ask once. */
  readonly #asking = new Map<string, Promise<ValueTransformer>>();

  constructor(options: EnvelopeOptions) {
    this.#options = options;
  }

  seal(value: Uint8Array, path: string): Uint8Array[] {
    const { name, keys, metrics } = this.#options;
    const { cipher, source, cacheKey } = keys.writable;
    this.#remember(cacheKey, cipher);
    const encryptedData = Buffer.concat(cipher.seal(value, path));
    metrics.usedKey('to_storage', name, source.keyId);
    return [encodeEncryptedObject({ ...source, encryptedData })];
  }

  open(stored: Buffer, path: string): Opened | Promise<Opened> {
    const object = decodeEncryptedObject(stored);
    // Whether it is stale depends on it; so nothing is read before the plugin was well once.
    const { current } = this.#options.keys;
    const cacheKey = cacheKeyOf(object);
    const open = (cipher: ValueTransformer): Opened => {
      this.#options.metrics.usedKey('from_storage', this.#options.name, object.keyId);
      const { value } = cipher.open(object.encryptedData, path) as Opened;
      const { keyId, encryptedDEKSourceType } = current.source;
      return { value, stale: object.keyId !== keyId || object.encryptedDEKSourceType !== encryptedDEKSourceType };
    };
    const known = this.#ciphers.get(cacheKey);
    return known ? open(known) : this.#ask(object, cacheKey).then(open);
  }

  #ask(object: EncryptedObject, cacheKey: string): Promise<ValueTransformer> {
    const asked = this.#asking.get(cacheKey);
    if (asked) return asked;
    const answer = this.#decrypt(object).then((cipher) => {
      this.#remember(cacheKey, cipher);
      return cipher;
    });
    this.#asking.set(cacheKey, answer);
    const forget = () => this.#asking.delete(cacheKey);
    answer.then(forget, forget);
    return answer;
  }

  async #decrypt({ encryptedDEKSource, keyId, annotations, encryptedDEKSourceType }: EncryptedObject) {
    const { plugin, metrics, uuid } = this.#options;
    metrics.missed();
    const key = await plugin
      .decrypt({ ciphertext: encryptedDEKSource, uid: uuid(), keyId, annotations })
      .catch((cause: unknown) => {
        throw new Error(`failed to decrypt DEK, error: ${asError(cause).message}`, { cause });
      });
    if (encryptedDEKSourceType === EXTENDED_NONCE_SEED) return new ExtendedNonceGcm(key);
    if (![16, 24, 32].includes(key.length)) throw new Error(`crypto/aes: invalid key size ${key.length}`);
    return new AesGcm(key);
  }

  #remember(cacheKey: string, cipher: ValueTransformer): void {
    if (this.#ciphers.has(cacheKey)) return;
    this.#ciphers.set(cacheKey, cipher);
    this.#options.metrics.cached(this.#options.name, this.#ciphers.size);
  }
}
