/** Calls to a container runtime on its socket (CRI v1 over gRPC). */
import { RpcClient } from '@keelson/component/grpc/client';
import { type RpcCode, RpcError } from '@keelson/component/grpc/errors';
import { Service } from '@keelson/component/grpc/service';
import type { TraceHeaders, Tracing } from '@keelson/component/tracing/index';
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
  readonly #tracing: Tracing | undefined;

  /** @param endpoint `unix:///run/containerd/containerd.sock`. @param timeoutMs for calls that do not say their own */
  constructor(endpoint: string, timeoutMs: number, operations?: Operations, tracing?: Tracing) {
    this.#timeoutMs = timeoutMs;
    this.#operations = operations;
    this.#tracing = tracing;
    this.#client = new RpcClient(endpoint, { maxMessageBytes: MAX_MESSAGE_BYTES });
  }

  /** @param timeoutMs 0 for as long as it takes. @throws RuntimeError in the words of gRPC's Go implementation */
  call<M extends keyof Methods>(
    method: M,
    request: Methods[M][0],
    timeoutMs = this.#timeoutMs,
  ): Promise<Methods[M][1]> {
    const service = services.find(({ names }) => names.includes(method))!;
    const send = (headers?: TraceHeaders) =>
      this.#client.call(service, method, request, { timeoutMs, headers }).catch(translate);
    const call = () => (this.#tracing ? traced(this.#tracing, service.method(method).path.slice(1), send) : send());
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

/** Upstream's otelgrpc names it so. @param method `runtime.v1.RuntimeService/Status` */
function traced<T>(tracing: Tracing, method: string, send: (headers: TraceHeaders) => Promise<T>): Promise<T> {
  const attributes = { 'rpc.method': method, 'rpc.system.name': 'grpc' };
  return tracing.call(method, attributes, async (headers, span) => {
    const answer = await send(headers);
    span.set({ 'rpc.response.status_code': 'OK' });
    return answer;
  });
}

function translate(error: unknown): never {
  throw error instanceof RpcError ? new RuntimeError(codeOf(error), error.message, error) : error;
}
