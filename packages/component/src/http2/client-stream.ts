/** A request over HTTP/2 and who is told its answer. */
import type { Outgoing } from './outlet.ts';
import { ReceiveWindow } from './receive-window.ts';

export interface RequestHandler {
  /** Of the answer: those before its data, and those behind it. */
  headers(fields: ReadonlyMap<string, string>): void;
  data(bytes: Buffer): void;
  /** Once, and nothing after it. @param error why there is no answer, or no more of it */
  end(error?: ConnectionError): void;
}

export class ConnectionError extends Error {
  /** Whether the peer may have done what it was asked for. */
  readonly wasSent: boolean;

  constructor(message: string, wasSent: boolean) {
    super(message);
    this.wasSent = wasSent;
  }
}

export const STREAM_WINDOW = 1 << 20;

/** A request to the peer, until its answer has come. */
export class ClientStream implements Outgoing {
  /** 0 as long as it waits for the end of another one. */
  id = 0;
  sendRoom = 0;
  outgoing: Buffer;
  readonly isLast: boolean;
  readonly block: Buffer;
  readonly handler: RequestHandler;
  readonly window = new ReceiveWindow(STREAM_WINDOW);
  /** Has more sent, if there is more. */
  onSent = (): void => {};

  /** @param isLast whether the body is all of it */
  constructor(block: Buffer, body: Buffer, isLast: boolean, handler: RequestHandler) {
    this.block = block;
    this.outgoing = body;
    this.isLast = isLast;
    this.handler = handler;
  }
}
