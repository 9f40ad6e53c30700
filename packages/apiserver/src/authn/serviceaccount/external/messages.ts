/** The messages of signers of service account tokens (k8s.io/externaljwt, version 1), as protobuf has them. */
import { Service } from '@keelson/component/grpc/service';

const string = (id: number) => ({ type: 'string', id });
const int64 = (id: number) => ({ type: 'int64', id });

const descriptors = {
  nested: {
    v1: {
      nested: {
        ExternalJWTSigner: {
          methods: {
            Sign: { requestType: 'SignJWTRequest', responseType: 'SignJWTResponse' },
            FetchKeys: { requestType: 'FetchKeysRequest', responseType: 'FetchKeysResponse' },
            Metadata: { requestType: 'MetadataRequest', responseType: 'MetadataResponse' },
          },
        },
        SignJWTRequest: { fields: { claims: string(1) } },
        SignJWTResponse: { fields: { header: string(1), signature: string(2) } },
        FetchKeysRequest: { fields: {} },
        FetchKeysResponse: {
          fields: {
            keys: { rule: 'repeated', type: 'Key', id: 1 },
            dataTimestamp: { type: 'google.protobuf.Timestamp', id: 2 },
            refreshHintSeconds: int64(3),
          },
        },
        Key: {
          fields: {
            keyId: string(1),
            key: { type: 'bytes', id: 2 },
            excludeFromOidcDiscovery: { type: 'bool', id: 3 },
          },
        },
        MetadataRequest: { fields: {} },
        MetadataResponse: { fields: { maxTokenExpirationSeconds: int64(1) } },
      },
    },
    google: {
      nested: {
        protobuf: { nested: { Timestamp: { fields: { seconds: int64(1), nanos: { type: 'int32', id: 2 } } } } },
      },
    },
  },
};

export interface SignResponse {
  /** Both as they stand in the token. */
  readonly header: string;
  readonly signature: string;
}

export interface SignerKey {
  readonly keyId: string;
  /** A SubjectPublicKeyInfo (RFC 5280) in DER. */
  readonly key: Uint8Array;
  /** Good for tokens that it has signed before, no longer for new ones. */
  readonly excludeFromOidcDiscovery: boolean;
}

/** google.protobuf.Timestamp */
export interface Timestamp {
  readonly seconds: number;
  readonly nanos: number;
}

export interface FetchKeysResponse {
  readonly keys: readonly SignerKey[];
  /** When the signer itself learned of these keys. */
  readonly dataTimestamp: Timestamp | null;
  readonly refreshHintSeconds: number;
}

export interface SignerMethods {
  /** @param claims in base64, as in the token */
  Sign: [{ readonly claims: string }, SignResponse];
  FetchKeys: [object, FetchKeysResponse];
  Metadata: [object, { readonly maxTokenExpirationSeconds: number }];
}

export const externalSigner = new Service<SignerMethods>(descriptors, 'v1.ExternalJWTSigner');
