/**
 * Single calls of gRPC on one HTTP/2 connection. The library for it goes through name resolution, balancing, retries and
 * interceptors at each call, which made it a quarter of what the API server spent on a write.
 */
import type { Clock } from '@keelson/api/clock';
import { ClientConnection } from '@keelson/component/http2/client';
import type { ConnectionError } from '@keelson/component/http2/client-stream';
import { encodeFields } from '@keelson/component/http2/hpack';
import { NO_ANSWER } from './errors.ts';
import { type Address, CallError, dial, fieldsOf, framed, PREFIX } from './grpc.ts';

export interface Call {
  /** `/service/method` */
  readonly path: string;
  readonly message: Buffer;
  /** Sent with it; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** By the channel's clock. */
  readonly deadline: number;
  /** The longest answer that is accepted. */
  readonly maxBytes: number;
}

export class UnaryChannel {
  readonly #address: Address;
  readonly #clock: Clock;
  #connection: ClientConnection | undefined;
  /** By path, what all calls of it begin with. */
  readonly #blocks = new Map<string, Buffer>();

  /** Connects at the first call, and again whenever the connection is gone. */
  constructor(address: Address, clock: Clock) {
    this.#address = address;
    this.#clock = clock;
  }

  /** @returns the answer's message. @throws CallError */
  async call(call: Call): Promise<Buffer> {
    const connection = this.#connected();
    // With TLS 1.3 the other side refuses a certificate when the client takes the connection for made: of a write that was sent
    // before its first word nobody would know whether it has got there.
    if (!connection.isAccepted) await inTime(connection.accepted, this.#left(call), this.#clock);
    return this.#ask(connection, call);
  }

  #ask(connection: ClientConnection, call: Call): Promise<Buffer> {
    const { path, message, headers = {}, maxBytes } = call;
    // Others that waited with it may have had to do with its end.
    if (connection.isOver) throw notConnected('closed');
    return new Promise((resolve, reject) => {
      const timeoutMs = this.#left(call);
      let outcome: ReadonlyMap<string, string> | undefined;
      const chunks: Buffer[] = [];
      const giveUp = (error: CallError): void => {
        forget();
        cancel();
        reject(error);
      };
      const tooLate = () => giveUp(new CallError('DeadlineExceeded', 'Deadline exceeded'));
      const forget = this.#clock.after(timeoutMs, tooLate);
      const cancel = connection.request(this.#block(path, timeoutMs, headers), framed(message), {
        headers: (fields) => {
          const code = fields.get(':status') ?? '200';
          if (code !== '200') giveUp(new CallError('Unavailable', `HTTP status ${code}`));
          else if (fields.has('grpc-status')) outcome = fields;
        },
        data: (chunk) => {
          chunks.push(chunk);
          if (chunks.length === 1 && chunk.length >= PREFIX && chunk.readUInt32BE(1) > maxBytes) {
            const text = `Received message larger than max (${chunk.readUInt32BE(1)} vs ${maxBytes})`;
            giveUp(new CallError('ResourceExhausted', text));
          }
        },
        end: (error) => {
          forget();
          if (error) reject(lost(error));
          else if (outcome?.get('grpc-status') !== '0') reject(outcome ? refusal(outcome) : lost());
          else resolve((chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).subarray(PREFIX));
        },
      });
    });
  }

  /** Milliseconds. */
  #left({ deadline }: Call): number {
    return Math.max(1, deadline - this.#clock.now());
  }

  #block(path: string, timeoutMs: number, headers: Readonly<Record<string, string>>): Buffer {
    let same = this.#blocks.get(path);
    if (!same) {
      same = encodeFields(fieldsOf(this.#address, path));
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

/** The longest that a peer may take for its first word; nothing was sent by then, so that a call can go to another one. */
const ACCEPTANCE_MS = 5000;

/** @throws CallError when there is no connection, or the peer says nothing */
export async function inTime(accepted: Promise<void>, timeoutMs: number, clock: Clock): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const forget = clock.after(Math.min(ACCEPTANCE_MS, timeoutMs), () => reject(new Error(NO_ANSWER)));
  try {
    await Promise.race([accepted, late]);
  } catch (error) {
    throw notConnected((error as Error).message);
  } finally {
    forget();
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
  new CallError('Unavailable', `No connection established. Last error: ${why}. Resolution note: `);

function lost(error?: ConnectionError): CallError {
  if (error && !error.wasSent) return notConnected(error.message);
  return new CallError('Unavailable', /ECONNRESET/.test(error?.message ?? '') ? error!.message : 'Connection dropped');
}
