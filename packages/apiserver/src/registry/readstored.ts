import { syntaxError } from '@keelson/api/codec/json-syntax';
import { decodeStored } from '@keelson/api/codec/stored';
import type { KubeObject } from '@keelson/api/object';
import { type KeyValue, UnreadableValueError } from '@keelson/storage/store';
import { asError } from '../aggregate.ts';
import { isEncrypted, NOT_DECRYPTED } from '../encryption/identity.ts';

/** {@link decodeStored} of what lies in the store. @throws UnreadableValueError for what is damaged or encrypted */
export function readStored(
  { key, value }: KeyValue,
  update?: (object: KubeObject) => KubeObject,
): { object: KubeObject; bytes: Buffer } {
  try {
    return decodeStored(value, update);
  } catch (cause) {
    const isSealed = isEncrypted(value);
    const isJson = cause instanceof SyntaxError;
    const why = isJson ? `couldn't get version/kind; json parse error: ${syntaxError(value)}` : asError(cause).message;
    throw new UnreadableValueError(key, isSealed ? NOT_DECRYPTED : why, { cause, isSealed });
  }
}
