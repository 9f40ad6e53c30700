/** A key management service, behind a plugin on a socket of this machine (k8s.io/kms, version 2). */
import { ChannelCredentials, Client, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { EncryptionMetrics } from '../metrics.ts';
import { type DecryptRequest, type EncryptResponse, type Message, messages, type StatusResponse } from './messages.ts';

export interface KmsPlugin {
  status(): Promise<StatusResponse>;
  encrypt(plaintext: Uint8Array, uid: string): Promise<EncryptResponse>;
  decrypt(request: DecryptRequest): Promise<Buffer>;
  close(): void;
}

/** In the words of gRPC's Go implementation. */
export class PluginError extends Error {
  override readonly name = 'PluginError';
  /** `DeadlineExceeded` */
  readonly codeName: string;

  constructor(error: ServiceError) {
    const codeName = (status[error.code] ?? 'UNKNOWN')
      .toLowerCase()
      .replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const details = error.code === status.DEADLINE_EXCEEDED ? 'context deadline exceeded' : error.details;
    super(`rpc error: code = ${codeName} desc = ${details}`, { cause: error });
    this.codeName = codeName;
  }
}

const SERVICE = '/v2.KeyManagementService';

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
  const client = new Client(target, ChannelCredentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
  });

  function call<Request, Response>(
    method: string,
    request: Request,
    encoded: Message<Request>,
    decoded: Message<Response>,
  ): Promise<Response> {
    const full = `${SERVICE}/${method}`;
    const send = () =>
      new Promise<Response>((resolve, reject) => {
        client.makeUnaryRequest(
          full,
          (value: Request) => encoded.encode(value),
          (bytes: Buffer) => decoded.decode(bytes),
          request,
          new Metadata({ waitForReady: true }),
          { deadline: Date.now() + timeoutMs },
          (error, response) => (error ? reject(new PluginError(error)) : resolve(response as Response)),
        );
      });
    return metrics.call(name, full, send);
  }

  return {
    status: () => call('Status', {}, messages.statusRequest, messages.statusResponse),
    encrypt: (plaintext, uid) => call('Encrypt', { plaintext, uid }, messages.encryptRequest, messages.encryptResponse),
    async decrypt(request) {
      const { plaintext } = await call('Decrypt', request, messages.decryptRequest, messages.decryptResponse);
      return Buffer.from(plaintext);
    },
    close: () => client.close(),
  };
}
