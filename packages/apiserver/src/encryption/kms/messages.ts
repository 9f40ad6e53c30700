/** The messages of KMS plugins (k8s.io/kms/apis/v2) and of what is stored of an encrypted value, as protobuf has them. */
import { message, Service } from '@keelson/component/grpc/service';

const bytes = (id: number) => ({ type: 'bytes', id });
const string = (id: number) => ({ type: 'string', id });
const annotations = (id: number) => ({ keyType: 'string', type: 'bytes', id });

const descriptors = {
  nested: {
    v2: {
      nested: {
        KeyManagementService: {
          methods: {
            Status: { requestType: 'StatusRequest', responseType: 'StatusResponse' },
            Encrypt: { requestType: 'EncryptRequest', responseType: 'EncryptResponse' },
            Decrypt: { requestType: 'DecryptRequest', responseType: 'DecryptResponse' },
          },
        },
        StatusRequest: { fields: {} },
        StatusResponse: { fields: { version: string(1), healthz: string(2), keyId: string(3) } },
        EncryptRequest: { fields: { plaintext: bytes(1), uid: string(2) } },
        EncryptResponse: { fields: { ciphertext: bytes(1), keyId: string(2), annotations: annotations(3) } },
        DecryptRequest: {
          fields: { ciphertext: bytes(1), uid: string(2), keyId: string(3), annotations: annotations(4) },
        },
        DecryptResponse: { fields: { plaintext: bytes(1) } },
      },
    },
  },
};

export interface KmsMethods {
  Status: [object, StatusResponse];
  Encrypt: [{ readonly plaintext: Uint8Array; readonly uid: string }, EncryptResponse];
  Decrypt: [DecryptRequest, { readonly plaintext: Buffer }];
}

export const keyManagement = new Service<KmsMethods>(descriptors, 'v2.KeyManagementService');

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

const stored = message(
  {
    nested: {
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
  },
  'EncryptedObject',
);

export const encryptedObject = {
  encode: (value: EncryptedObject) => stored.encode(value),
  /** Absent fields have their zero value. @throws Error */
  decode: (encoded: Uint8Array) => stored.decode(encoded) as EncryptedObject,
};
