/**
 * Single calls of gRPC on one HTTP/2 connection. The library for it goes through name resolution, balancing, retries and
 * interceptors at each call, which made it a quarter of what the API server spent on a write; watches still use it.
 */
import http2, { type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectPlain } from 'node:net';
import { connect as connectSecure, type SecureContext } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { NO_ANSWER } from './errors.ts';

/** A call that failed, with gRPC's code; what has become of the connection is told in the library's words. */
class CallError extends Error {
  readonly code: number;
  readonly details: string;

  constructor(code: number, details: string) {
    super(details);
    this.code = code;
    this.details = details;
  }
}

export interface Address {
  /** `host:port`, or the path of a socket. */
  readonly address: string;
  readonly isSocket: boolean;
  /** Undefined: without TLS. */
  readonly tls: SecureContext | undefined;
}

export interface Call {
  /** `/service/method` */
  readonly path: string;
  readonly message: Buffer;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  /** The longest answer that is accepted. */
  readonly maxBytes: number;
}

/** A message is preceded by whether it is compressed, and its length in four bytes. */
const PREFIX = 5;
const STREAM_WINDOW = 1 << 20;
const CONNECTION_WINDOW = 16 << 20;

export class UnaryChannel {
  readonly #address: Address;
  #peer: Peer | undefined;

  /** Connects at the first call, and again whenever the connection is gone. */
  constructor(address: Address) {
    this.#address = address;
  }

  /** @returns the answer's message. @throws CallError */
  async call(call: Call): Promise<Buffer> {
    const peer = this.#connected();
    if (!peer.isAccepted) await inTime(peer.acceptance, call.deadline);
    return this.#ask(peer.session, call);
  }

  #ask(session: ClientHttp2Session, { path, message, deadline, maxBytes }: Call): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      // Others that waited with it may have had to do with its end.
      if (isOver(session)) throw notConnected('closed');
      const timeoutMs = Math.max(1, deadline - Date.now());
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        'grpc-timeout': `${Math.ceil(timeoutMs)}m`,
      });
      let outcome: IncomingHttpHeaders | undefined;
      let failure: CallError | undefined;
      const fail = (error: CallError): void => {
        failure ??= error;
        settle();
        stream.close(http2.constants.NGHTTP2_CANCEL);
      };
      const timer = setTimeout(() => fail(new CallError(status.DEADLINE_EXCEEDED, 'Deadline exceeded')), timeoutMs);
      const chunks: Buffer[] = [];
      stream.on('response', (headers) => {
        if (headers[':status'] !== 200) {
          fail(new CallError(status.UNAVAILABLE, `HTTP status ${headers[':status']}`));
        } else if (headers['grpc-status'] !== undefined) outcome = headers;
      });
      stream.on('data', (chunk: Buffer) => {
        if (chunks.length === 0 && chunk.length >= PREFIX && chunk.readUInt32BE(1) > maxBytes) {
          const text = `Received message larger than max (${chunk.readUInt32BE(1)} vs ${maxBytes})`;
          fail(new CallError(status.RESOURCE_EXHAUSTED, text));
        }
        if (!failure) chunks.push(chunk);
      });
      stream.on('trailers', (headers) => {
        outcome = headers;
      });
      let cause: Error | undefined;
      stream.on('error', (error: Error) => {
        cause = error;
      });
      const settle = (): void => {
        clearTimeout(timer);
        if (failure) reject(failure);
        else if (outcome?.['grpc-status'] === '0') {
          resolve((chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).subarray(PREFIX));
        } else if (outcome) reject(refusal(outcome));
        else reject(lost(cause));
      };
      stream.on('end', () => {
        if (outcome) settle();
      });
      stream.on('close', settle);
      const body = Buffer.allocUnsafe(PREFIX + message.length);
      body[0] = 0;
      body.writeUInt32BE(message.length, 1);
      body.set(message, PREFIX);
      stream.end(body);
    });
  }

  /** The next call makes a connection of its own; those under way end on theirs. */
  renew(): void {
    const peer = this.#peer;
    this.#peer = undefined;
    if (peer?.isAccepted) peer.session.close();
    else peer?.session.destroy();
  }

  /** Calls under way fail. */
  close(): void {
    this.#peer?.session.destroy();
  }

  #connected(): Peer {
    const { address, isSocket, tls } = this.#address;
    if (this.#peer && !isOver(this.#peer.session)) return this.#peer;
    const onSocket = () =>
      tls ? connectSecure({ path: address, secureContext: tls, ALPNProtocols: ['h2'] }) : connectPlain(address);
    const authority = `${tls ? 'https' : 'http'}://${isSocket ? 'localhost' : address}`;
    const session = http2.connect(authority, {
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
      ...(tls ? { secureContext: tls } : {}),
      ...(isSocket ? { createConnection: onSocket } : {}),
    });
    session.once('connect', () => session.setLocalWindowSize(CONNECTION_WINDOW));
    this.#peer = new Peer(session);
    return this.#peer;
  }
}

/**
 * A connection and whether the other side has said its first word on it. Until then nothing is sent: with TLS 1.3 it refuses
 * a certificate when the client takes the connection for made, and of a write nobody would know whether it has got there.
 */
class Peer {
  readonly session: ClientHttp2Session;
  isAccepted = false;
  /** Rejects with a `CallError` when there will be no connection. */
  readonly acceptance: Promise<void>;

  constructor(session: ClientHttp2Session) {
    this.session = session;
    let cause: Error | undefined;
    session.on('error', (error) => {
      cause = error;
    });
    this.acceptance = new Promise((resolve, reject) => {
      session.once('close', () => reject(notConnected(cause?.message ?? 'null')));
      session.once('remoteSettings', () => {
        this.isAccepted = true;
        resolve();
      });
    });
    // Those who wait for it are told; perhaps nobody does.
    this.acceptance.catch(() => {});
  }
}

const isOver = (session: ClientHttp2Session): boolean => session.closed || session.destroyed;

/** The longest that a peer may take for its first word; nothing was sent by then, so that a call can go to another one. */
const ACCEPTANCE_MS = 5000;

/** @throws CallError when the peer says nothing */
async function inTime(acceptance: Promise<void>, deadline: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const ms = Math.min(ACCEPTANCE_MS, Math.max(1, deadline - Date.now()));
    timer = setTimeout(() => reject(notConnected(NO_ANSWER)), ms);
  });
  await Promise.race([acceptance, late]).finally(() => clearTimeout(timer));
}

function refusal(headers: IncomingHttpHeaders): CallError {
  const text = String(headers['grpc-message'] ?? '');
  let details = text;
  try {
    details = decodeURIComponent(text);
  } catch {
    // Not encoded as it should be: as it came.
  }
  return new CallError(Number(headers['grpc-status']), details);
}

const notConnected = (why: string) =>
  new CallError(status.UNAVAILABLE, `No connection established. Last error: ${why}. Resolution note: `);

/** Node says that the stream was cancelled, and beneath it why. */
function lost(cause: Error | undefined): CallError {
  const why = ((cause?.cause ?? cause) as Error | undefined)?.message ?? '';
  return new CallError(status.UNAVAILABLE, /ECONNRESET/.test(why) ? why : 'Connection dropped');
}
