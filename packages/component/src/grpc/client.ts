/** Calls over gRPC to one server, mostly behind a socket of this machine. */
import { ChannelCredentials, Client, type ClientDuplexStream, connectivityState, Metadata } from '@grpc/grpc-js';
import { rpcError } from './errors.ts';
import type { Methods, Service } from './service.ts';

export interface RpcClientOptions {
  /** Of one answer; 4 MiB without. */
  readonly maxMessageBytes?: number;
  readonly userAgent?: string;
  /** A server that is not there yet is waited for as long as a call may take. */
  readonly waitForReady?: boolean;
}

export interface CallOptions {
  /** 0: as long as it takes. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Sent along, as metadata. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** What one element of a stream is, of a method that answers with one. */
type Element<Response> = Response extends AsyncIterable<infer T> ? T : never;

export class RpcClient {
  readonly #client: Client;
  readonly #waitForReady: boolean;

  /** Connects with the first call. @param target `unix:///run/x.sock`, or `host:port` without encryption */
  constructor(target: string, { maxMessageBytes, userAgent, waitForReady = false }: RpcClientOptions = {}) {
    this.#waitForReady = waitForReady;
    this.#client = new Client(target, ChannelCredentials.createInsecure(), {
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2000,
      // Clients share no connection: who is gone may come again under the same path.
      'grpc.use_local_subchannel_pool': 1,
      ...(maxMessageBytes === undefined ? {} : { 'grpc.max_receive_message_length': maxMessageBytes }),
      ...(userAgent === undefined ? {} : { 'grpc.primary_user_agent': userAgent }),
    });
  }

  /** @throws RpcError */
  call<M extends Methods<M>, Name extends keyof M & string>(
    service: Service<M>,
    name: Name,
    request: M[Name][0],
    { timeoutMs, signal, headers = {} }: CallOptions,
  ): Promise<M[Name][1]> {
    const method = service.method(name);
    const { promise, resolve, reject } = Promise.withResolvers<M[Name][1]>();
    const metadata = new Metadata({ waitForReady: this.#waitForReady });
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const call = this.#client.makeUnaryRequest<object, object>(
      method.path,
      (value) => method.request.encode(value),
      (bytes) => method.response.decode(bytes),
      request,
      metadata,
      { deadline: timeoutMs > 0 ? Date.now() + timeoutMs : Number.POSITIVE_INFINITY },
      (error, value) => (error ? reject(rpcError(error)) : resolve(value as M[Name][1])),
    );
    const end = endWith(signal, () => call.cancel());
    return promise.finally(end);
  }

  /** Answers as they come; the server waits while they are not taken. Leaving the loop ends the call. @throws RpcError */
  async *stream<M extends Methods<M>, Name extends keyof M & string>(
    service: Service<M>,
    name: Name,
    request: M[Name][0],
    signal?: AbortSignal,
  ): AsyncGenerator<Element<M[Name][1]>, void, undefined> {
    const method = service.method(name);
    const call = this.#client.makeServerStreamRequest<object, object>(
      method.path,
      (value) => method.request.encode(value),
      (bytes) => method.response.decode(bytes),
      request,
      new Metadata({ waitForReady: this.#waitForReady }),
    );
    const end = endWith(signal, () => call.cancel());
    try {
      for await (const value of call) yield value as Element<M[Name][1]>;
    } catch (error) {
      throw isServiceError(error) ? rpcError(error) : error;
    } finally {
      end();
      call.cancel();
    }
  }

  /** A stream both ways, whose end and whose errors ({@link rpcError}) are the caller's. */
  duplex<M extends Methods<M>, Name extends keyof M & string>(
    service: Service<M>,
    name: Name,
  ): ClientDuplexStream<M[Name][0], Element<M[Name][1]>> {
    const method = service.method(name);
    return this.#client.makeBidiStreamRequest(
      method.path,
      (value: M[Name][0]) => method.request.encode(value),
      (bytes) => method.response.decode(bytes) as Element<M[Name][1]>,
      new Metadata({ waitForReady: this.#waitForReady }),
    );
  }

  /** Connects. @throws Error when there is nobody in time */
  ready(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.waitForReady(Date.now() + timeoutMs, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Connects, again whenever the server goes, and says whenever it is there or is not. @returns ends it */
  follow(changed: (connected: boolean) => void): () => void {
    const channel = this.#client.getChannel();
    let [isConnected, stopped] = [false, false];
    const look = () => {
      if (stopped) return;
      const state = channel.getConnectivityState(true);
      const now = state === connectivityState.READY;
      if (now !== isConnected) {
        isConnected = now;
        changed(now);
      }
      if (state !== connectivityState.SHUTDOWN) channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, look);
    };
    look();
    return () => {
      stopped = true;
    };
  }

  close(): void {
    this.#client.close();
  }
}

function isServiceError(error: unknown): error is { readonly code: number; readonly details: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

/** @returns stops waiting for the signal */
function endWith(signal: AbortSignal | undefined, cancel: () => void): () => void {
  if (!signal) return () => {};
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel);
  return () => signal.removeEventListener('abort', cancel);
}
