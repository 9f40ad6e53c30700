/** Answers calls over gRPC on a socket of this machine. */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { numberOf, RpcError } from './errors.ts';
import type { Methods, Service } from './service.ts';

/**
 * What answers each method. What it throws becomes the call's error: an RpcError as it is, anything else `Unknown` with its
 * message. The signal says that nobody waits any more.
 */
export type Handlers<M extends Methods<M>> = {
  readonly [Name in keyof M]: (
    request: M[Name][0],
    signal: AbortSignal,
  ) => M[Name][1] extends AsyncIterable<unknown> ? M[Name][1] : M[Name][1] | Promise<M[Name][1]>;
};

type Handler = (request: object, signal: AbortSignal) => object;

export class RpcServer {
  readonly #server = new Server();

  /** Methods without a handler are `Unimplemented`. */
  add<M extends Methods<M>>(service: Service<M>, handlers: Partial<Handlers<M>>): this {
    const definition: Record<string, ServiceDefinition[string]> = {};
    const implementation: Record<string, handleUnaryCall<object, object> | handleServerStreamingCall<object, object>> =
      {};
    for (const name of service.names) {
      const handler = handlers[name as keyof M] as Handler | undefined;
      if (!handler) continue;
      const { path, streams, request, response } = service.method(name);
      definition[name] = {
        path,
        requestStream: false,
        responseStream: streams,
        requestSerialize: (value) => request.encode(value),
        requestDeserialize: (bytes) => request.decode(bytes),
        responseSerialize: (value) => response.encode(value),
        responseDeserialize: (bytes) => response.decode(bytes),
      };
      implementation[name] = streams ? streaming(handler) : unary(handler);
    }
    this.#server.addService(definition, implementation);
    return this;
  }

  /** A socket that a former server has left is replaced. @param path absolute. @throws Error */
  async listen(path: string): Promise<void> {
    await rm(path, { force: true });
    await promisify(this.#server.bindAsync.bind(this.#server))(`unix:${path}`, ServerCredentials.createInsecure());
  }

  /** Calls under way are broken off; the socket is gone. */
  stop(): void {
    this.#server.forceShutdown();
  }
}

function unary(handler: Handler): handleUnaryCall<object, object> {
  return async (call, done) => {
    const ended = new AbortController();
    call.on('cancelled', () => ended.abort());
    try {
      done(null, await handler(call.request, ended.signal));
    } catch (error) {
      done(statusOf(error));
    }
  };
}

function streaming(handler: Handler): handleServerStreamingCall<object, object> {
  return async (call) => {
    const ended = new AbortController();
    call.on('cancelled', () => ended.abort());
    try {
      for await (const value of handler(call.request, ended.signal) as AsyncIterable<object>) {
        if (ended.signal.aborted) return;
        if (!call.write(value)) await once(call, 'drain', { signal: ended.signal });
      }
      call.end();
    } catch (error) {
      if (!ended.signal.aborted) call.emit('error', statusOf(error));
    }
  };
}

function statusOf(error: unknown): { readonly code: number; readonly details: string } {
  const { codeName, details } =
    error instanceof RpcError ? error : new RpcError('Unknown', error instanceof Error ? error.message : String(error));
  return { code: numberOf(codeName), details };
}
