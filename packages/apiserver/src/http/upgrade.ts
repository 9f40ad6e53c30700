/**
 * The exchange of a request that asks for another protocol: it may get it, or an ordinary answer, after which the
 * connection is closed.
 */
import http, { type IncomingMessage } from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';
import { Readable as EmptyReadable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { PeerCertificates } from '../authn/authenticator.ts';
import type { Exchange, RequestHeaders, ResponseHeaders, Upgrade } from './exchange.ts';
import { peerOf } from './peer.ts';

/** Of a request over HTTP/1.1 that would go on in another protocol. @param head what has come of that already */
export function exchangeOfUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Exchange {
  return new UpgradeExchange(request, socket, head);
}

/** Bodies are bytes that the parser no longer sees: a request that has one is served like any other. */
export function hasNoBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}

/** For an answer to arrive before its connection is closed. */
const LINGER_MS = 1000;

class UpgradeExchange implements Exchange {
  readonly httpVersion = '1.1';
  status = 0;
  bytesSent = 0;
  onAnswer?: (status: number) => void;
  headersSent = false;
  readonly hasBody = false;
  readonly method: string;
  readonly url: string;
  readonly headers: RequestHeaders;
  readonly body: Readable = EmptyReadable.from([]);
  readonly #request: IncomingMessage;
  readonly #socket: Duplex;
  readonly #head: Buffer;

  constructor(request: IncomingMessage, socket: Duplex, head: Buffer) {
    this.method = request.method ?? 'GET';
    this.url = request.url ?? '/';
    this.headers = request.headers;
    this.#request = request;
    this.#socket = socket;
    this.#head = head;
    socket.on('error', () => socket.destroy());
  }
  get rawHeaders(): readonly string[] {
    return this.#request.rawHeaders;
  }
  get peer(): PeerCertificates | undefined {
    return peerOf(this.#socket as TLSSocket);
  }
  get remoteAddress(): string {
    return (this.#socket as TLSSocket).remoteAddress ?? '';
  }
  get closed(): boolean {
    return this.#socket.destroyed || this.#socket.writableEnded;
  }
  onClose(callback: () => void): void {
    if (this.#socket.destroyed) queueMicrotask(callback);
    else this.#socket.once('close', callback);
  }
  respond(status: number, headers: ResponseHeaders, body: Buffer | string = ''): void {
    const payload = Buffer.from(body as string);
    this.begin(status, { ...headers, 'content-length': payload.length });
    this.bytesSent = payload.length;
    this.#socket.end(this.method === 'HEAD' ? undefined : payload);
  }
  /** The body ends with the connection. */
  begin(status: number, headers: ResponseHeaders): Writable {
    this.#write(status, http.STATUS_CODES[status] ?? '', [
      ...Object.entries(headers).flatMap(([name, value]) => [value].flat().flatMap((v) => [name, String(v)])),
      'connection',
      'close',
    ]);
    // Nothing more is expected of the client: what it sends must not fill buffers, nor may it stay when it has its answer.
    const socket = this.#socket.resume();
    socket.once('finish', () => setTimeout(() => socket.destroy(), LINGER_MS).unref());
    return socket;
  }
  abort(): void {
    this.#socket.destroy();
  }
  /** It ends with this exchange anyway. */
  endConnection(): void {}
  upgrade(): Upgrade {
    return {
      request: this.#request,
      socket: this.#socket,
      head: this.#head,
      switchProtocols: (rawHeaders) => this.#write(101, 'Switching Protocols', rawHeaders),
      switched: () => {
        this.status = 101;
        this.headersSent = true;
        this.onAnswer?.(101);
      },
    };
  }
  #write(status: number, reason: string, rawHeaders: readonly string[]): void {
    if (this.closed || this.headersSent) return;
    this.status = status;
    this.headersSent = true;
    this.onAnswer?.(status);
    let head = `HTTP/1.1 ${status} ${reason}\r\n`;
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      http.validateHeaderName(rawHeaders[i]!);
      http.validateHeaderValue(rawHeaders[i]!, rawHeaders[i + 1]!);
      head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
    }
    this.#socket.write(`${head}\r\n`, 'latin1');
  }
}
