/** The messages of KMS plugins (k8s.io/kms/apis/v2) and of what is stored of an encrypted value, as protobuf has them. */
import protobuf, { type Type } from 'protobufjs';

const bytes = (id: number) => ({ type: 'bytes', id });
const string = (id: number) => ({ type: 'string', id });
const annotations = (id: number) => ({ keyType: 'string', type: 'bytes', id });

const root = protobuf.Root.fromJSON({
  nested: {
    StatusRequest: { fields: {} },
    StatusResponse: { fields: { version: string(1), healthz: string(2), keyId: string(3) } },
    EncryptRequest: { fields: { plaintext: bytes(1), uid: string(2) } },
    EncryptResponse: { fields: { ciphertext: bytes(1), keyId: string(2), annotations: annotations(3) } },
    DecryptRequest: {
      fields: { ciphertext: bytes(1), uid: string(2), keyId: string(3), annotations: annotations(4) },
    },
    DecryptResponse: { fields: { plaintext: bytes(1) } },
    EncryptedObject: {
      fields: {
        encryptedData: bytes(1),
        keyId: string(2),
        encryptedDEKSource: bytes(3),
        annotations: annotations(4),
        encryptedDEKSourceType: { type: 'int32', id: 5 },
      },
    },
  },
});

export type Annotations = Readonly<Record<string, Uint8Array>>;

export interface StatusResponse {
  readonly version: string;
  readonly healthz: string;
  readonly keyId: string;
}

export interface EncryptResponse {
  readonly ciphertext: Buffer;
  /** The plugin's own key, of which the API server knows no more. */
  readonly keyId: string;
  readonly annotations: Annotations;
}

export interface DecryptRequest extends EncryptResponse {
  readonly uid: string;
}

/** Behind the prefix of a stored value. */
export interface EncryptedObject {
  readonly encryptedData: Buffer;
  readonly keyId: string;
  /** The data key, or what data keys come from, as the plugin has encrypted it. */
  readonly encryptedDEKSource: Buffer;
  readonly annotations: Annotations;
  readonly encryptedDEKSourceType: number;
}

/** The data key itself, for AES-GCM. */
export const AES_GCM_KEY = 0;
/** What the data keys come from: see ExtendedNonceGcm. */
export const EXTENDED_NONCE_SEED = 1;

export interface Message<T> {
  encode(message: T): Buffer;
  /** Absent fields have their zero value. @throws Error */
  decode(bytes: Uint8Array): T;
}

function message<T extends object>(name: string): Message<T> {
  const type: Type = root.lookupType(name);
  return {
    encode: (value) => type.encode(value as Record<string, unknown>).finish() as Buffer,
    decode: (encoded) => type.toObject(type.decode(encoded), { defaults: true, objects: true }) as T,
  };
}

export const messages = {
  statusRequest: message<Record<string, never>>('StatusRequest'),
  statusResponse: message<StatusResponse>('StatusResponse'),
  encryptRequest: message<{ readonly plaintext: Uint8Array; readonly uid: string }>('EncryptRequest'),
  encryptResponse: message<EncryptResponse>('EncryptResponse'),
  decryptRequest: message<DecryptRequest>('DecryptRequest'),
  decryptResponse: message<{ readonly plaintext: Buffer }>('DecryptResponse'),
  encryptedObject: message<EncryptedObject>('EncryptedObject'),
};
