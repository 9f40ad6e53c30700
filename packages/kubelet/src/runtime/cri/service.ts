/** Calls to a container runtime on its socket (CRI v1 over gRPC). */
import { RpcClient } from '@keelson/component/grpc/client';
import { type RpcCode, RpcError } from '@keelson/component/grpc/errors';
import { Service } from '@keelson/component/grpc/service';
import { criDescriptors } from '../../generated/cri-v1.ts';
import { RuntimeError, type RuntimeErrorCode } from '../runtime.ts';
import type { Methods, PodSandboxStatus } from './messages.ts';
import type { Operations } from './operations.ts';

const services = ['RuntimeService', 'ImageService'].map(
  (name) => new Service<Methods>(criDescriptors, `runtime.v1.${name}`),
);
/** Answers as large as a list of everything on a full machine. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

const CODES: Readonly<Partial<Record<RpcCode, RuntimeErrorCode>>> = {
  NotFound: 'NotFound',
  DeadlineExceeded: 'DeadlineExceeded',
  Unavailable: 'Unavailable',
  Unimplemented: 'Unimplemented',
};

/** What runtimes say of images in words alone (k8s.io/cri-api/pkg/errors). */
function codeOf({ codeName, details }: RpcError): RuntimeErrorCode {
  if (details.includes('RegistryUnavailable')) return 'RegistryUnavailable';
  if (details.includes('SignatureValidationFailed')) return 'SignatureValidationFailed';
  return CODES[codeName] ?? 'Failed';
}

export class CriService {
  readonly #client: RpcClient;
  readonly #timeoutMs: number;
  readonly #operations: Operations | undefined;

  /** @param endpoint `unix:///run/containerd/containerd.sock`. @param timeoutMs for calls that do not say their own */
  constructor(endpoint: string, timeoutMs: number, operations: Operations | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#operations = operations;
    this.#client = new RpcClient(endpoint, { maxMessageBytes: MAX_MESSAGE_BYTES });
  }

  /** @param timeoutMs 0 for as long as it takes. @throws RuntimeError in the words of gRPC's Go implementation */
  call<M extends keyof Methods>(
    method: M,
    request: Methods[M][0],
    timeoutMs = this.#timeoutMs,
  ): Promise<Methods[M][1]> {
    const service = services.find(({ names }) => names.includes(method))!;
    const call = () => this.#client.call(service, method, request, { timeoutMs }).catch(translate);
    return this.#operations ? this.#operations.observe(method, call) : call();
  }

  /** Events as they come. @throws RuntimeError where the runtime has none, or goes away */
  async *events(signal: AbortSignal): AsyncGenerator<{ readonly pod_sandbox_status: PodSandboxStatus | null }> {
    try {
      yield* this.#client.stream(services[0]!, 'GetContainerEvents', {}, signal);
    } catch (error) {
      translate(error);
    }
  }

  close(): void {
    this.#client.close();
  }
}

function translate(error: unknown): never {
  throw error instanceof RpcError ? new RuntimeError(codeOf(error), error.message, error) : error;
}
