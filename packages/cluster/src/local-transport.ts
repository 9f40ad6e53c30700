/**
 * The way from a component to the API server of the same process: no socket and no TLS, but every filter. The component
 * proves itself with its client certificate, as it would when it connected.
 */
import { X509Certificate } from 'node:crypto';
import { PassThrough, Readable, type Writable } from 'node:stream';
import type { PeerCertificates } from '@keelson/apiserver/authn/authenticator';
import type { Exchange, ResponseHeaders } from '@keelson/apiserver/http/exchange';
import { ConnectionError, type Transport, type WireRequest, type WireResponse } from '@keelson/client';

/** The API server's side: {@link ApiServer.accept}. */
export interface LocalServer {
  accept(exchange: Exchange): void;
}

export class LocalTransport implements Transport {
  readonly #server: LocalServer;
  readonly #peer: PeerCertificates | undefined;
  readonly #open = new Set<LocalExchange>();
  #closed = false;

  /**
   * @param certificate PEM of the client certificate, whose key is taken to be at hand in one's own process; without it
   * requests bring a token
   */
  constructor(server: LocalServer, certificate?: string) {
    this.#server = server;
    this.#peer = certificate === undefined ? undefined : { chain: [new X509Certificate(certificate)], verified: true };
  }

  async send(request: WireRequest): Promise<WireResponse> {
    request.signal?.throwIfAborted();
    if (this.#closed) throw new ConnectionError('unreachable', 'the connection to the API server is closed');
    const exchange = new LocalExchange(request, this.#peer);
    this.#open.add(exchange);
    exchange.onClose(() => this.#open.delete(exchange));
    const abort = () => exchange.cancel(request.signal?.reason);
    request.signal?.addEventListener('abort', abort, { once: true });
    exchange.onClose(() => request.signal?.removeEventListener('abort', abort));
    // As from a socket: what the server does with it does not run inside of the caller.
    setImmediate(() => this.#server.accept(exchange));
    return exchange.answer;
  }

  close(): void {
    this.#closed = true;
    for (const exchange of this.#open) exchange.cancel(new ConnectionError('broken', 'the connection was closed'));
  }
}

class LocalExchange implements Exchange {
  readonly httpVersion = '2';
  readonly remoteAddress = '127.0.0.1';
  status = 0;
  bytesSent = 0;
  onAnswer?: (status: number) => void;
  readonly method: string;
  readonly url: string;
  readonly headers: WireRequest['headers'];
  readonly peer: PeerCertificates | undefined;
  readonly answer: Promise<WireResponse>;
  readonly hasBody: boolean;
  readonly #settle: { resolve(response: WireResponse): void; reject(error: unknown): void };
  readonly #closing: (() => void)[] = [];
  /** Undefined when it has been taken. */
  #body: Buffer | undefined;
  #readable: Readable | undefined;
  #stream: PassThrough | undefined;
  #closed = false;

  constructor({ method, path, headers, body }: WireRequest, peer: PeerCertificates | undefined) {
    this.method = method;
    this.url = path;
    this.headers = headers;
    this.peer = peer;
    this.hasBody = body !== undefined;
    this.#body = body && Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const { promise, resolve, reject } = Promise.withResolvers<WireResponse>();
    this.answer = promise;
    this.#settle = { resolve, reject };
  }

  get body(): Readable {
    this.#readable ??= Readable.from(this.takeBody());
    return this.#readable;
  }
  takeBody(): readonly Buffer[] {
    const pieces = this.#body ? [this.#body] : [];
    this.#body = undefined;
    return pieces;
  }
  get rawHeaders(): readonly string[] {
    const raw: string[] = [];
    for (const [name, value] of Object.entries(this.headers)) {
      if (typeof value === 'string') raw.push(name, value);
      else for (const each of value) raw.push(name, each);
    }
    return raw;
  }
  get headersSent(): boolean {
    return this.status !== 0;
  }
  get closed(): boolean {
    return this.#closed;
  }

  onClose(callback: () => void): void {
    if (this.#closed) queueMicrotask(callback);
    else this.#closing.push(callback);
  }

  respond(status: number, headers: ResponseHeaders, body: Buffer | string = ''): void {
    if (this.#closed || this.headersSent) return;
    const payload = typeof body === 'string' ? Buffer.from(body) : body;
    this.status = status;
    this.bytesSent = payload.length;
    this.#settle.resolve({ status, headers: asSent(headers), body: only(payload) });
    this.#close();
  }

  begin(status: number, headers: ResponseHeaders): Writable {
    const stream = new PassThrough({ highWaterMark: 256 * 1024 });
    this.status = status;
    this.onAnswer?.(status);
    this.#stream = stream;
    stream.once('close', () => this.#close());
    stream.on('error', () => {});
    if (this.#closed) stream.destroy();
    else this.#settle.resolve({ status, headers: asSent(headers), body: stream });
    return stream;
  }

  abort(): void {
    this.cancel(new ConnectionError('broken', 'the API server broke the answer off'));
  }

  /** There is none. */
  endConnection(): void {}

  /** Ends it from the client's side, or breaks it. */
  cancel(reason: unknown): void {
    if (this.#closed) return;
    const error = reason instanceof Error ? reason : new ConnectionError('broken', String(reason));
    this.#settle.reject(error);
    if (this.#stream) this.#stream.destroy(error);
    this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const callback of this.#closing) queueMicrotask(callback);
    this.#closing.length = 0;
  }
}

async function* only(payload: Buffer): AsyncIterable<Uint8Array> {
  if (payload.length > 0) yield payload;
}

function asSent(headers: ResponseHeaders): WireResponse['headers'] {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      typeof value === 'number' ? String(value) : value,
    ]),
  );
}
