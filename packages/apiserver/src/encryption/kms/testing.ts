/** A KMS plugin for tests. What it encrypts with is no secret. */
import { promisify } from 'node:util';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { type DecryptRequest, type Message, messages } from './messages.ts';

export interface TestPlugin {
  /** `unix://…` */
  readonly endpoint: string;
  /** Under which it encrypts from now on. */
  keyId: string;
  /** What it says of its health. */
  healthz: string;
  version: string;
  /** How often it was asked, by method. */
  readonly calls: Record<'Status' | 'Encrypt' | 'Decrypt', number>;
  stop(): void;
}

/** @param path of the socket, which must not exist yet */
export async function startTestPlugin(path: string): Promise<TestPlugin> {
  const server = new Server();
  const plugin: TestPlugin = {
    endpoint: `unix://${path}`,
    keyId: 'key-1',
    healthz: 'ok',
    version: 'v2',
    calls: { Status: 0, Encrypt: 0, Decrypt: 0 },
    stop: () => server.forceShutdown(),
  };
  const method = <Request, Response>(
    name: keyof TestPlugin['calls'],
    request: Message<Request>,
    response: Message<Response>,
    answer: (request: Request) => Response,
  ) => ({
    definition: {
      path: `/v2.KeyManagementService/${name}`,
      requestStream: false,
      responseStream: false,
      requestDeserialize: (bytes: Buffer) => request.decode(bytes),
      requestSerialize: (value: Request) => request.encode(value),
      responseSerialize: (value: Response) => response.encode(value),
      responseDeserialize: (bytes: Buffer) => response.decode(bytes),
    },
    handler: (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>) => {
      plugin.calls[name]++;
      try {
        done(null, answer(call.request));
      } catch (error) {
        done({ code: status.INVALID_ARGUMENT, details: (error as Error).message });
      }
    },
  });
  const methods = {
    Status: method('Status', messages.statusRequest, messages.statusResponse, () => {
      const { version, healthz, keyId } = plugin;
      return { version, healthz, keyId };
    }),
    Encrypt: method('Encrypt', messages.encryptRequest, messages.encryptResponse, ({ plaintext }) => ({
      ciphertext: scrambled(plaintext),
      keyId: plugin.keyId,
      annotations: { 'algorithm.test.keelson.dev': Buffer.from('scrambled') },
    })),
    Decrypt: method('Decrypt', messages.decryptRequest, messages.decryptResponse, (request: DecryptRequest) => {
      if (!request.annotations['algorithm.test.keelson.dev']) throw new Error('annotations are missing');
      return { plaintext: scrambled(request.ciphertext) };
    }),
  };
  server.addService(
    Object.fromEntries(Object.entries(methods).map(([name, { definition }]) => [name, definition])) as never,
    Object.fromEntries(Object.entries(methods).map(([name, { handler }]) => [name, handler])) as never,
  );
  await promisify(server.bindAsync.bind(server))(`unix:${path}`, ServerCredentials.createInsecure());
  return plugin;
}

function scrambled(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.map((byte) => byte ^ 0x5a));
}
