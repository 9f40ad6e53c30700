/** A key management service, behind a plugin on a socket of this machine (k8s.io/kms, version 2). */
import { RpcClient } from '@keelson/component/grpc/client';
import type { EncryptionMetrics } from '../metrics.ts';
import {
  type DecryptRequest,
  type EncryptResponse,
  type KmsMethods,
  keyManagement,
  type StatusResponse,
} from './messages.ts';

export interface KmsPlugin {
  status(): Promise<StatusResponse>;
  encrypt(plaintext: Uint8Array, uid: string): Promise<EncryptResponse>;
  decrypt(request: DecryptRequest): Promise<Buffer>;
  close(): void;
}

export interface PluginOptions {
  /** Of the provider in the configuration. */
  readonly name: string;
  /** `unix:///run/kms.sock`; a path that begins with `/@` is an abstract socket's. */
  readonly endpoint: string;
  /** Of each call. A plugin that is not there yet is waited for so long. */
  readonly timeoutMs: number;
  readonly metrics: EncryptionMetrics;
}

/** Nothing is asked yet. */
export function connectPlugin({ name, endpoint, timeoutMs, metrics }: PluginOptions): KmsPlugin {
  const path = decodeURIComponent(new URL(endpoint).pathname);
  const target = path.startsWith('/@') ? `unix:\0${path.slice(2)}` : `unix:${path}`;
  const client = new RpcClient(target, { waitForReady: true });

  const call = <Name extends keyof KmsMethods>(method: Name, request: KmsMethods[Name][0]) =>
    metrics.call(name, keyManagement.method(method).path, () =>
      client.call(keyManagement, method, request, { timeoutMs }),
    );

  return {
    status: () => call('Status', {}),
    encrypt: (plaintext, uid) => call('Encrypt', { plaintext, uid }),
    decrypt: async (request) => Buffer.from((await call('Decrypt', request)).plaintext),
    close: () => client.close(),
  };
}
