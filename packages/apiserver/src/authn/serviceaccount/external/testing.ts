/** A signer for tests. */
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { RpcError } from '@keelson/component/grpc/errors';
import { RpcServer } from '@keelson/component/grpc/server';
import { externalSigner, type FetchKeysResponse, type SignerKey } from './messages.ts';

export interface TestSigner {
  /** What it answers; signs with the first key. */
  readonly says: {
    -readonly [Field in keyof FetchKeysResponse]: FetchKeysResponse[Field];
  } & { maxTokenExpirationSeconds: number; header: object | string; signature: string | undefined; refusal: string };
  /** How often it was asked, by method. */
  readonly calls: Record<'Sign' | 'FetchKeys' | 'Metadata', number>;
  stop(): void;
}

/** A key on the curve P-256 and what a signer says of it. */
export function testKey(
  keyId: string,
  excludeFromOidcDiscovery = false,
): SignerKey & { readonly privateKey: KeyObject } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { keyId, key: publicKey.export({ type: 'spki', format: 'der' }), excludeFromOidcDiscovery, privateKey };
}

/** @param path of the socket, which must not exist yet. @param key that signs */
export async function startTestSigner(path: string, key = testKey('key-1')): Promise<TestSigner> {
  const server = new RpcServer();
  const signer: TestSigner = {
    says: {
      keys: [key],
      dataTimestamp: { seconds: 1_000, nanos: 500_000_000 },
      refreshHintSeconds: 20,
      maxTokenExpirationSeconds: 24 * 3600,
      header: { alg: 'ES256', kid: key.keyId, typ: 'JWT' },
      signature: undefined,
      refusal: '',
    },
    calls: { Sign: 0, FetchKeys: 0, Metadata: 0 },
    stop: () => server.stop(),
  };
  server.add(externalSigner, {
    Sign: ({ claims }) => {
      signer.calls.Sign++;
      const { header: fields, signature, refusal } = signer.says;
      if (refusal !== '') throw new RpcError('PermissionDenied', refusal);
      const header = typeof fields === 'string' ? fields : Buffer.from(JSON.stringify(fields)).toString('base64url');
      const signed = createSign('sha256').update(`${header}.${claims}`);
      const made = signed.sign({ key: key.privateKey, dsaEncoding: 'ieee-p1363' }, 'base64url');
      return { header, signature: signature ?? made };
    },
    FetchKeys: () => {
      signer.calls.FetchKeys++;
      return signer.says;
    },
    Metadata: () => {
      signer.calls.Metadata++;
      return signer.says;
    },
  });
  await server.listen(path);
  return signer;
}
