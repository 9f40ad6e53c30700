/**
 * Single calls of gRPC on one HTTP/2 connection. The library for it goes through name resolution, balancing, retries and
 * interceptors at each call, which made it a quarter of what the API server spent on a write; watches still use it.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectSecure, type SecureContext } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { ClientConnection, type ConnectionError } from '@keelson/component/http2/client';
import { encodeFields } from '@keelson/component/http2/hpack';
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
  /** A socket that leads there. Default: straight. */
  readonly via?: string | undefined;
  /** Undefined: without TLS. */
  readonly tls: SecureContext | undefined;
}

export interface Call {
  /** `/service/method` */
  readonly path: string;
  readonly message: Buffer;
  /** Sent with it; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  /** The longest answer that is accepted. */
  readonly maxBytes: number;
}

/** A message is preceded by whether it is compressed, and its length in four bytes. */
const PREFIX = 5;

export class UnaryChannel {
  readonly #address: Address;
  #connection: ClientConnection | undefined;
  /** By path, what all calls of it begin with. */
  readonly #blocks = new Map<string, Buffer>();

  /** Connects at the first call, and again whenever the connection is gone. */
  constructor(address: Address) {
    this.#address = address;
  }

  /** @returns the answer's message. @throws CallError */
  async call(call: Call): Promise<Buffer> {
    const connection = this.#connected();
    // With TLS 1.3 the other side refuses a certificate when the client takes the connection for made: of a write that was sent
    // before its first word nobody would know whether it has got there.
    if (!connection.isAccepted) await inTime(connection.accepted, call.deadline);
    return this.#ask(connection, call);
  }

  #ask(connection: ClientConnection, { path, message, headers = {}, deadline, maxBytes }: Call): Promise<Buffer> {
    // Others that waited with it may have had to do with its end.
    if (connection.isOver) throw notConnected('closed');
    return new Promise((resolve, reject) => {
      const timeoutMs = Math.max(1, deadline - Date.now());
      let outcome: ReadonlyMap<string, string> | undefined;
      const chunks: Buffer[] = [];
      const giveUp = (error: CallError): void => {
        clearTimeout(timer);
        cancel();
        reject(error);
      };
      const timer = setTimeout(() => giveUp(new CallError(status.DEADLINE_EXCEEDED, 'Deadline exceeded')), timeoutMs);
      const cancel = connection.request(this.#block(path, timeoutMs, headers), framed(message), {
        headers: (fields) => {
          const code = fields.get(':status') ?? '200';
          if (code !== '200') giveUp(new CallError(status.UNAVAILABLE, `HTTP status ${code}`));
          else if (fields.has('grpc-status')) outcome = fields;
        },
        data: (chunk) => {
          chunks.push(chunk);
          if (chunks.length === 1 && chunk.length >= PREFIX && chunk.readUInt32BE(1) > maxBytes) {
            const text = `Received message larger than max (${chunk.readUInt32BE(1)} vs ${maxBytes})`;
            giveUp(new CallError(status.RESOURCE_EXHAUSTED, text));
          }
        },
        end: (error) => {
          clearTimeout(timer);
          if (error) reject(lost(error));
          else if (outcome?.get('grpc-status') !== '0') reject(outcome ? refusal(outcome) : lost());
          else resolve((chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).subarray(PREFIX));
        },
      });
    });
  }

  #block(path: string, timeoutMs: number, headers: Readonly<Record<string, string>>): Buffer {
    const { address, isSocket, tls } = this.#address;
    let same = this.#blocks.get(path);
    if (!same) {
      same = encodeFields([
        [':method', 'POST'],
        [':scheme', tls ? 'https' : 'http'],
        [':path', path],
        [':authority', isSocket ? 'localhost' : address],
        ['content-type', 'application/grpc'],
        ['te', 'trailers'],
      ]);
      this.#blocks.set(path, same);
    }
    return Buffer.concat([
      same,
      encodeFields([['grpc-timeout', `${Math.ceil(timeoutMs)}m`], ...Object.entries(headers)]),
    ]);
  }

  /** The next call makes a connection of its own; those under way end on theirs. */
  renew(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection?.isAccepted) connection.close();
    else connection?.destroy();
  }

  /** Calls under way fail. */
  close(): void {
    this.#connection?.destroy();
  }

  #connected(): ClientConnection {
    if (!this.#connection || this.#connection.isOver) this.#connection = new ClientConnection(dial(this.#address));
    return this.#connection;
  }
}

function dial({ address, isSocket, via, tls }: Address): Socket {
  if (isSocket) {
    return tls ? connectSecure({ path: address, secureContext: tls, ALPNProtocols: ['h2'] }) : connectPlain(address);
  }
  const { hostname, port } = new URL(`http://${address}`);
  const host = hostname.replaceAll(/[[\]]/g, '');
  const to = { host, port: Number(port || (tls ? 443 : 80)), ...(via === undefined ? {} : { path: via }) };
  if (!tls) return via === undefined ? connectPlain(to) : connectPlain(via);
  // Names alone may be told to the server (RFC 6066, section 3).
  const name = isIP(host) ? {} : { servername: host };
  return connectSecure({ ...to, ...name, secureContext: tls, ALPNProtocols: ['h2'] });
}

function framed(message: Buffer): Buffer {
  const body = Buffer.allocUnsafe(PREFIX + message.length);
  body[0] = 0;
  body.writeUInt32BE(message.length, 1);
  body.set(message, PREFIX);
  return body;
}

/** The longest that a peer may take for its first word; nothing was sent by then, so that a call can go to another one. */
const ACCEPTANCE_MS = 5000;

/** @throws CallError when there is no connection, or the peer says nothing */
async function inTime(accepted: Promise<void>, deadline: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const ms = Math.min(ACCEPTANCE_MS, Math.max(1, deadline - Date.now()));
    timer = setTimeout(() => reject(new Error(NO_ANSWER)), ms);
  });
  try {
    await Promise.race([accepted, late]);
  } catch (error) {
    throw notConnected((error as Error).message);
  } finally {
    clearTimeout(timer);
  }
}

function refusal(fields: ReadonlyMap<string, string>): CallError {
  const text = fields.get('grpc-message') ?? '';
  let details = text;
  try {
    details = decodeURIComponent(text);
  } catch {
    // Not encoded as it should be: as it came.
  }
  return new CallError(Number(fields.get('grpc-status')), details);
}

const notConnected = (why: string) =>
  new CallError(status.UNAVAILABLE, `No connection established. Last error: ${why}. Resolution note: `);

function lost(error?: ConnectionError): CallError {
  if (error && !error.wasSent) return notConnected(error.message);
  return new CallError(
    status.UNAVAILABLE,
    /ECONNRESET/.test(error?.message ?? '') ? error!.message : 'Connection dropped',
  );
}
