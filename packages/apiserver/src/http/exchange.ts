/** One HTTP request and its answer, alike for HTTP/1.1 and HTTP/2. */
import type http from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { ERROR } from '@keelson/component/http2/frames';
import type { Field } from '@keelson/component/http2/hpack';
import type { ServerConnection } from '@keelson/component/http2/server-connection';
import type { ServerStream } from '@keelson/component/http2/server-stream';
import type { PeerCertificates } from '../authn/authenticator.ts';
import { peerOf } from './peer.ts';

export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;
export type ResponseHeaders = Record<string, string | number | string[]>;

export interface Exchange {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: RequestHeaders;
  /** Name, value, name, value…: repeated headers kept apart. */
  readonly rawHeaders: readonly string[];
  readonly httpVersion: '1.1' | '2';
  /** What the client proved itself with when it connected; undefined when it sent no certificate. */
  readonly peer: PeerCertificates | undefined;
  /** IP address of the client's end of the connection; empty where there is none. */
  readonly remoteAddress: string;
  /** The request's body; never read further than the handler wants. */
  readonly body: Readable;
  /** All of the body, if it has come and nobody has read any of it: it is not in `body` then. What costs a stream is spared so. */
  takeBody?(): readonly Buffer[] | undefined;
  /** False when it is certain that the body is empty. */
  readonly hasBody: boolean;
  readonly headersSent: boolean;
  /** Of the answer; 0 before there is one. */
  readonly status: number;
  /** Of the answer's body so far. Who writes to what `begin` returns adds to it. */
  bytesSent: number;
  /** True once the client is gone or the answer is complete. */
  readonly closed: boolean;
  /** Runs once when the exchange is over: answered, or the client went away. */
  onClose(callback: () => void): void;
  /** A whole answer. Adds content-length. A status that is none, as webhooks may ask for, cuts the answer off. */
  respond(status: number, headers: ResponseHeaders, body?: Buffer | string): void;
  /** Starts an answer whose body the caller writes, minding `write()`'s result and 'drain'. */
  begin(status: number, headers: ResponseHeaders): Writable;
  /** Cuts the answer off where it stands: how a truncated body is made visible to the client. */
  abort(): void;
  /** The connection takes no more requests: `Connection: close`, if the answer has not begun, or GOAWAY. What runs goes on. */
  endConnection(): void;
  /** Called when an answer begins whose body comes bit by bit, or when another protocol does. */
  onAnswer?: (status: number) => void;
  /** Only where the client asks for another protocol: the connection, for whoever speaks it. */
  upgrade?(): Upgrade;
}

/** Whether Go's server would write it (net/http: checkWriteHeaderCode). */
function isStatus(status: number): boolean {
  return status >= 100 && status <= 999;
}

/** A connection on its way from HTTP/1.1 to what the client asked for. Once it is there its taker closes it. */
export interface Upgrade {
  readonly request: http.IncomingMessage;
  readonly socket: Duplex;
  /** What came behind the request's headers. */
  readonly head: Buffer;
  /** Answers 101. @param rawHeaders name, value, name, value… */
  switchProtocols(rawHeaders: readonly string[]): void;
  /** Somebody else has answered 101. */
  switched(): void;
}

/** Of HTTP/2. @param date the header of that name, as it is now */
export function exchangeOfStream(stream: ServerStream, connection: ServerConnection, date: () => string): Exchange {
  return new Http2Exchange(stream, connection, date);
}

/** Of HTTP/1.1. */
export function exchangeOfRequest(req: http.IncomingMessage, res: http.ServerResponse): Exchange {
  return new Http1Exchange(req, res);
}

class Http2Exchange implements Exchange {
  readonly httpVersion = '2';
  status = 0;
  bytesSent = 0;
  onAnswer?: (status: number) => void;
  readonly method: string;
  readonly url: string;
  readonly headers: RequestHeaders;
  readonly rawHeaders: readonly string[];
  readonly #stream: ServerStream;
  readonly #connection: ServerConnection;
  readonly #date: () => string;

  /** @param date as a header has it */
  constructor(stream: ServerStream, connection: ServerConnection, date: () => string) {
    this.#stream = stream;
    this.#connection = connection;
    this.#date = date;
    this.method = stream.request.method;
    this.url = stream.request.path;
    this.headers = stream.request.headers;
    this.rawHeaders = stream.request.rawHeaders;
  }
  get peer(): PeerCertificates | undefined {
    return peerOf(this.#connection.socket as TLSSocket);
  }
  get remoteAddress(): string {
    return this.#connection.socket.remoteAddress ?? '';
  }
  get body(): Readable {
    return this.#stream.body;
  }
  takeBody(): readonly Buffer[] | undefined {
    return this.#stream.takeBody();
  }
  get hasBody(): boolean {
    return this.#stream.hasBody;
  }
  get headersSent(): boolean {
    return this.#stream.headersSent;
  }
  get closed(): boolean {
    return this.#stream.isClosed;
  }
  onClose(callback: () => void): void {
    this.#stream.onClose(callback);
  }
  respond(status: number, headers: ResponseHeaders, body: Buffer | string = ''): void {
    if (!isStatus(status)) this.abort();
    if (this.closed) return;
    const payload = typeof body === 'string' ? Buffer.from(body) : body;
    this.status = status;
    this.bytesSent = payload.length;
    const fields = this.#fields(status, { ...headers, 'content-length': payload.length });
    this.#stream.respond(fields, this.method === 'HEAD' ? NOTHING : payload);
  }
  begin(status: number, headers: ResponseHeaders): Writable {
    this.status = status;
    this.onAnswer?.(status);
    return this.#stream.begin(this.#fields(status, headers));
  }
  abort(): void {
    this.#stream.reset(ERROR.internal);
  }
  endConnection(): void {
    this.#connection.leave();
  }
  #fields(status: number, headers: ResponseHeaders): Field[] {
    const fields: Field[] = [[':status', String(status)]];
    for (const name in headers) {
      const value = headers[name];
      if (Array.isArray(value)) for (const each of value) fields.push([name.toLowerCase(), each]);
      else fields.push([name.toLowerCase(), String(value)]);
    }
    if (headers.date === undefined) fields.push(['date', this.#date()]);
    return fields;
  }
}

const NOTHING = Buffer.alloc(0);

class Http1Exchange implements Exchange {
  readonly httpVersion = '1.1';
  status = 0;
  bytesSent = 0;
  onAnswer?: (status: number) => void;
  readonly method: string;
  readonly url: string;
  readonly headers: RequestHeaders;
  readonly body: Readable;
  readonly #req: http.IncomingMessage;
  readonly #res: http.ServerResponse;
  #isAnswered = false;

  constructor(req: http.IncomingMessage, res: http.ServerResponse) {
    this.#req = req;
    this.#res = res;
    this.method = req.method ?? 'GET';
    this.url = pathOf(req.url ?? '/');
    this.headers = withOneAccept(req);
    this.body = req;
    res.on('error', () => res.destroy());
    res.once('prefinish', () => readOnceWritten(req.socket));
  }
  get hasBody(): boolean {
    return hasBody(this.headers);
  }
  get rawHeaders(): readonly string[] {
    return this.#req.rawHeaders;
  }
  get peer(): PeerCertificates | undefined {
    return peerOf(this.#req.socket as TLSSocket);
  }
  get remoteAddress(): string {
    return this.#req.socket.remoteAddress ?? '';
  }
  get headersSent(): boolean {
    return this.#res.headersSent;
  }
  get closed(): boolean {
    return this.#isAnswered || this.#res.destroyed || this.#res.closed || this.#res.writableEnded;
  }
  onClose(callback: () => void): void {
    if (this.#res.closed || this.#res.destroyed) queueMicrotask(callback);
    else this.#res.once('close', callback);
  }
  respond(status: number, headers: ResponseHeaders, body: Buffer | string = ''): void {
    if (!isStatus(status)) this.abort();
    if (this.closed) return;
    const payload = typeof body === 'string' ? Buffer.from(body) : body;
    const isUnread = !this.#req.complete && this.hasBody;
    this.status = status;
    this.bytesSent = payload.length;
    this.#isAnswered = true;
    // An unread body would be taken for the next request: such a connection is not used again.
    const last = isUnread ? { connection: 'close' } : {};
    this.#res.writeHead(status, { ...headers, 'content-length': payload.length, ...last });
    const content = this.method === 'HEAD' ? Buffer.alloc(0) : payload;
    if (!isUnread) this.#res.end(content);
    else {
      this.#res.write(content);
      this.#discardBody(() => this.#res.end());
    }
  }
  /** A connection that is closed before all has been read is reset, and the client may never read the answer. */
  #discardBody(then: () => void): void {
    const timer = setTimeout(then, LINGER_MS);
    this.#res.once('close', () => clearTimeout(timer));
    this.#req.once('end', then).resume();
  }
  begin(status: number, headers: ResponseHeaders): Writable {
    this.status = status;
    this.onAnswer?.(status);
    if (!this.closed) {
      this.#res.writeHead(status, headers);
      this.#res.flushHeaders();
    }
    return this.#res;
  }
  abort(): void {
    this.#res.destroy();
  }
  endConnection(): void {
    this.#res.shouldKeepAlive = false;
  }
}

/** How long a body that nobody wants is read away behind an answer. */
const LINGER_MS = 500;

/**
 * Lets the connection's next request wait until a large answer has been written out. Node would read it and pause its parser
 * after the first TLS record, and the second would then cost the connection (HPE_PAUSED). Node knows only at the end of a turn
 * of the event loop that something is written, and reads before that what comes in answer to what left at the end of the last.
 */
function readOnceWritten(socket: Socket): void {
  if (!socket.writableNeedDrain) return;
  socket.pause();
  socket.once('drain', () => socket.resume());
}

/** Of several Accept headers the first counts, as for Go's http.Header. */
function withOneAccept({ headers, headersDistinct }: http.IncomingMessage): RequestHeaders {
  if (headers.accept?.includes(',')) headers.accept = headersDistinct.accept?.[0];
  return headers;
}

function hasBody(headers: RequestHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** A proxy is asked by the whole URL, and so may this server be (RFC 9112, 3.2.2). */
function pathOf(target: string): string {
  const origin = /^https?:\/\/[^/?#]*/i.exec(target);
  if (!origin) return target;
  const path = target.slice(origin[0].length);
  return path.startsWith('/') ? path : `/${path}`;
}
