/**
 * The seam between the client and the wire. `Http2Transport` goes through a socket; a cluster in one process may bring one
 * that hands requests straight to the API server's filter chain.
 */

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface WireRequest {
  readonly method: Method;
  /** Path and query, escaped. */
  readonly path: string;
  /** Names in lower case. Credentials are among them, unless they are part of the connection. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: Uint8Array | undefined;
  /** Ends the exchange at any time, also while its body is read. */
  readonly signal?: AbortSignal | undefined;
}

export interface WireResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /**
   * To be read once, to its end or not: leaving the loop cancels the exchange. It is read only as fast as the caller goes.
   * @throws ConnectionError when it breaks off
   */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface Transport {
  /** @throws ConnectionError when there is no answer; the signal's reason when it is aborted */
  send(request: WireRequest): Promise<WireResponse>;
  /** Cancels what is under way. */
  close(): void;
}

export type Loss =
  /** No connection came about. */
  | 'unreachable'
  /** The server refused the request before it looked at it (RFC 9113 §8.7): it may be sent again whatever it is. */
  | 'unprocessed'
  /** Whether the server has done what was asked is unknown. */
  | 'broken';

/** There is no answer, or no more of it. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly loss: Loss;

  constructor(loss: Loss, message: string, cause?: unknown) {
    super(message, { cause });
    this.loss = loss;
  }
}
