/** A request over HTTP/2, its body and its answer (RFC 9113, section 5.1). */
import { Readable, Writable } from 'node:stream';
import { ERROR } from './frames.ts';
import type { Field } from './hpack.ts';
import type { Outgoing } from './outlet.ts';
import { ReceiveWindow } from './receive-window.ts';
import type { RequestHead } from './request.ts';

/** What a stream has its connection do. */
export interface StreamLink {
  sendHead(stream: ServerStream, fields: Iterable<Field>, isLast: boolean): void;
  /** Sends what is outgoing, as soon as there is room for it. */
  sendBody(stream: ServerStream): void;
  /** So much of its body has been taken: more may come. */
  consumed(stream: ServerStream, bytes: number): void;
  /** @param code one of {@link ERROR} */
  reset(stream: ServerStream, code: number): void;
}

const NOTHING = Buffer.alloc(0);
const CONTINUE: readonly Field[] = [[':status', '100']];

export class ServerStream implements Outgoing {
  readonly id: number;
  /** False when it is certain that the body is empty. */
  readonly hasBody: boolean;
  readonly request: RequestHead;
  sendRoom: number;
  outgoing: Buffer = NOTHING;
  isLast = false;
  /** Of the body. */
  readonly window: ReceiveWindow;
  readonly #link: StreamLink;
  /** What has come of the body and nobody has taken. */
  #arrived: Buffer[] = [];
  #received = 0;
  #isWholeBody: boolean;
  #body: RequestBody | undefined;
  #sent: (() => void) | undefined;
  #headersSent = false;
  #isClosed = false;
  #isAnswered = false;
  /** What had come of the body is dropped. */
  #isCut = false;
  #onClose: (() => void)[] = [];

  constructor(
    id: number,
    request: RequestHead,
    hasBody: boolean,
    link: StreamLink,
    [sendRoom, window]: [sendRoom: number, window: number],
  ) {
    this.id = id;
    this.request = request;
    this.hasBody = hasBody;
    this.#isWholeBody = !hasBody;
    this.#link = link;
    this.sendRoom = sendRoom;
    this.window = new ReceiveWindow(window);
  }

  /** Whether all of the request has come. */
  get isWholeBody(): boolean {
    return this.#isWholeBody;
  }

  get headersSent(): boolean {
    return this.#headersSent;
  }

  /** Nobody will read more of the body. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** All of the answer is on its way. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** The answer is on its way, or either side has given up. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Never more of it than is asked for, and as much as a window holds. */
  get body(): Readable {
    if (this.#body) return this.#body;
    const isAwaited = this.request.headers.expect === '100-continue' && !this.#isWholeBody;
    if (isAwaited && !this.#isClosed && !this.#headersSent) this.#link.sendHead(this, CONTINUE, false);
    this.#body = new RequestBody(this);
    return this.#body;
  }

  /** All of the body, if it has come and nobody has read any of it: it is not in `body` then. */
  takeBody(): readonly Buffer[] | undefined {
    return this.#isWholeBody && !this.#body && !this.#isCut ? this.take() : undefined;
  }

  /** Once, when the stream is closed. */
  onClose(callback: () => void): void {
    if (this.#isClosed) queueMicrotask(callback);
    else this.#onClose.push(callback);
  }

  /** A whole answer. */
  respond(fields: Iterable<Field>, body: Buffer): void {
    if (this.#isClosed || this.#headersSent) return;
    this.#headersSent = true;
    this.isLast = true;
    this.#link.sendHead(this, fields, body.length === 0);
    if (body.length === 0) return;
    this.outgoing = body;
    this.#link.sendBody(this);
  }

  /** The answer's head; what is written to what this returns is its body. */
  begin(fields: Iterable<Field>): Writable {
    if (!this.#isClosed && !this.#headersSent) {
      this.#headersSent = true;
      this.#link.sendHead(this, fields, false);
    }
    return new AnswerBody(this);
  }

  /** Ends it as it stands. @param code one of {@link ERROR} */
  reset(code: number): void {
    if (!this.#isClosed) this.#link.reset(this, code);
  }

  /** @param sent is called when `bytes` are no longer looked at */
  write(bytes: Buffer, isLast: boolean, sent: () => void): void {
    // Nobody reads it any more, which whoever writes is told by the end of the stream.
    if (this.#isClosed) {
      sent();
      return;
    }
    this.outgoing = bytes;
    this.isLast = isLast;
    this.#sent = sent;
    this.#link.sendBody(this);
  }

  onSent(): void {
    const sent = this.#sent;
    this.#sent = undefined;
    sent?.();
  }

  /** A piece of the body, which nobody else keeps. @returns false when it is not as long as was said */
  onData(piece: Buffer, isLast: boolean): boolean {
    this.#received += piece.length;
    const { length } = this.request;
    if (length !== undefined && (isLast ? this.#received !== length : this.#received > length)) return false;
    if (piece.length > 0) this.#arrived.push(piece);
    this.#isWholeBody = isLast;
    this.#body?.arrived();
    return true;
  }

  /** What has come since it was last asked for. */
  take(): Buffer[] {
    const pieces = this.#arrived;
    this.#arrived = [];
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (bytes > 0) this.#link.consumed(this, bytes);
    return pieces;
  }

  /** @param isAnswered whether all of the answer is on its way */
  onClosed(isAnswered: boolean): void {
    this.#isClosed = true;
    this.#isAnswered = isAnswered;
    this.outgoing = NOTHING;
    this.#isCut = this.take().length > 0 || !this.#isWholeBody;
    if (this.#isCut) this.#body?.destroy();
    // What was written and not sent is on nobody's way: whoever writes is told by the end of the stream.
    if (isAnswered) this.onSent();
    for (const callback of this.#onClose.splice(0)) callback();
  }
}

class RequestBody extends Readable {
  readonly #stream: ServerStream;
  #isWanted = false;

  constructor(stream: ServerStream) {
    super();
    this.#stream = stream;
    if (stream.isCut) this.destroy();
  }

  override _read(): void {
    this.#isWanted = true;
    this.arrived();
  }

  arrived(): void {
    if (!this.#isWanted) return;
    for (const piece of this.#stream.take()) this.#isWanted = this.push(piece);
    if (this.#stream.isWholeBody) this.push(null);
  }
}

class AnswerBody extends Writable {
  readonly #stream: ServerStream;

  constructor(stream: ServerStream) {
    super();
    this.#stream = stream;
    stream.onClose(() => {
      if (!stream.isAnswered) this.destroy();
    });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#stream.write(chunk, false, done);
  }

  override _final(done: () => void): void {
    this.#stream.write(NOTHING, true, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stream.reset(ERROR.internal);
    done(error);
  }
}
