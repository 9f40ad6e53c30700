/** What is stored of a value that a KMS provider has encrypted, and what it may hold (envelope/kmsv2/envelope.go). */
import { Path } from '@keelson/api/field';
import { isFullyQualifiedDomainName } from '@keelson/api/validation/domains';
import { AggregateFailure } from '../../aggregate.ts';
import {
  AES_GCM_KEY,
  type Annotations,
  type EncryptedObject,
  EXTENDED_NONCE_SEED,
  encryptedObject,
} from './messages.ts';

/** In bytes. */
const MAX_KEY_ID = 1024;
const MAX_SOURCE = 1024;
const MAX_ANNOTATIONS = 32 * 1024;

/** The object without its data: what all values of one data key have in common. */
export type DataKeySource = Omit<EncryptedObject, 'encryptedData'>;

export function encodeEncryptedObject(object: EncryptedObject): Buffer {
  return encryptedObject.encode(object);
}

/** @throws Error for what is none, and for what upstream would not take for one */
export function decodeEncryptedObject(stored: Uint8Array): EncryptedObject {
  const object = encryptedObject.decode(stored);
  checkSource(object, object.encryptedData.length > 0);
  return object;
}

/** @throws Error if nothing may be encrypted with it */
export function checkSource(source: DataKeySource, hasData = true): void {
  const { keyId, encryptedDEKSource, annotations, encryptedDEKSourceType: type } = source;
  if (type !== AES_GCM_KEY && type !== EXTENDED_NONCE_SEED) throw new Error(`unknown encryptedDEKSourceType: ${type}`);
  if (!hasData) throw new Error('encrypted data is empty');
  const within = (what: string, problem: string | undefined) => {
    if (problem !== undefined) throw new Error(`failed to validate ${what}: ${problem}`);
  };
  within('encrypted DEK source', problemOfSource(encryptedDEKSource));
  within('key id', problemOfKeyId(keyId)?.message);
  within('annotations', problemOfAnnotations(annotations));
}

export function problemOfKeyId(
  keyId: string,
): { readonly code: 'empty' | 'too_long'; readonly message: string } | undefined {
  const length = Buffer.byteLength(keyId);
  if (length === 0) return { code: 'empty', message: 'keyID is empty' };
  if (length <= MAX_KEY_ID) return undefined;
  return { code: 'too_long', message: `keyID is ${length} bytes, which exceeds the max size of ${MAX_KEY_ID}` };
}

function problemOfSource({ length }: Uint8Array): string | undefined {
  if (length === 0) return 'encrypted DEK source is empty';
  if (length <= MAX_SOURCE) return undefined;
  return `encrypted DEK source is ${length} bytes, which exceeds the max size of ${MAX_SOURCE}`;
}

function problemOfAnnotations(annotations: Annotations): string | undefined {
  const at = Path.of('annotations');
  const problems = Object.keys(annotations).flatMap((name) => isFullyQualifiedDomainName(at, name).map(String));
  const size = Object.entries(annotations).reduce((sum, [k, v]) => sum + Buffer.byteLength(k) + v.length, 0);
  if (size > MAX_ANNOTATIONS)
    problems.push(`total size of annotations is ${size}, which exceeds the max size of ${MAX_ANNOTATIONS}`);
  return problems.length === 0 ? undefined : new AggregateFailure(problems.map((p) => new Error(p))).message;
}

/** The same for all values of one data key. */
export function cacheKeyOf({ keyId, encryptedDEKSource, annotations, encryptedDEKSourceType }: DataKeySource): string {
  const notes = Object.keys(annotations)
    .sort()
    .map((name) => [name, Buffer.from(annotations[name]!).toString('base64')]);
  return JSON.stringify([encryptedDEKSourceType, encryptedDEKSource.toString('base64'), keyId, notes]);
}
