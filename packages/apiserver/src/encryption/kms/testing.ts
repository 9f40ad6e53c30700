/** A KMS plugin for tests. What it encrypts with is no secret. */
import { RpcError } from '@keelson/component/grpc/errors';
import { RpcServer } from '@keelson/component/grpc/server';
import { keyManagement } from './messages.ts';

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
  const server = new RpcServer();
  const plugin: TestPlugin = {
    endpoint: `unix://${path}`,
    keyId: 'key-1',
    healthz: 'ok',
    version: 'v2',
    calls: { Status: 0, Encrypt: 0, Decrypt: 0 },
    stop: () => server.stop(),
  };
  server.add(keyManagement, {
    Status: () => {
      plugin.calls.Status++;
      const { version, healthz, keyId } = plugin;
      return { version, healthz, keyId };
    },
    Encrypt: ({ plaintext }) => {
      plugin.calls.Encrypt++;
      const annotations = { 'algorithm.test.keelson.dev': Buffer.from('scrambled') };
      return { ciphertext: scrambled(plaintext), keyId: plugin.keyId, annotations };
    },
    Decrypt: (request) => {
      plugin.calls.Decrypt++;
      if (!request.annotations['algorithm.test.keelson.dev']) {
        throw new RpcError('InvalidArgument', 'annotations are missing');
      }
      return { plaintext: scrambled(request.ciphertext) };
    },
  });
  await server.listen(path);
  return plugin;
}

function scrambled(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.map((byte) => byte ^ 0x5a));
}
