import type { Socket } from 'node:net';
import type { Clock } from '@keelson/api/clock';
import {
  DEFAULT_WINDOW,
  ERROR,
  FLAG,
  FRAME,
  frame,
  frameHead,
  MAX_FRAME,
  MAX_WINDOW,
  ProtocolError,
} from './frames.ts';

/** Somebody who has data to send. */
export interface Outgoing {
  readonly id: number;
  /** How much of it the peer takes now. */
  sendRoom: number;
  /** What is still to be sent. */
  outgoing: Buffer;
  /** Its stream ends with that. */
  readonly isLast: boolean;
  /** Nobody looks at what was `outgoing` any more, and there is room for more; unless it was the last, when `onEnd` of the outlet is told. */
  onSent(): void;
}

/** Who gives up answers that the peer does not take. */
export interface Patience {
  readonly clock: Clock;
  /** Of the last that `stream` has to say nothing has left since the last look; one of `drop` is to follow. */
  onStalled(stream: Outgoing): void;
}

/** Between two looks at what waits. */
const LOOK_MS = 60_000;
/** So much is put together before the socket is asked to take it. */
const MOST_AT_ONCE = 256 * 1024;
/** Up to so many bytes it is cheaper to make one piece of all. */
const MOST_COPIED = 512;

/**
 * What a connection sends (RFC 9113, 5.2): frames of one turn in one write to the socket, data as far as there is room for it.
 *
 *     send(frame) ─────────────────────────────┐
 *     body(stream) ──▶ as much as windows take ─┴─▶ one write ──▶ onSent of those who may go on
 *                        the rest waits for room, or for the socket to drain
 */
export class Outlet {
  /** The longest payload that the peer takes. */
  maxFrame = MAX_FRAME;
  readonly #socket: Socket;
  readonly #onEnd: (stream: Outgoing) => void;
  /** Those that wait for room, the longest-waiting first. */
  readonly #waiting = new Set<Outgoing>();
  #room = DEFAULT_WINDOW;
  #out: Buffer[] = [];
  #bytes = 0;
  /** Who is told when `#out` has been written. */
  #sent: Outgoing[] = [];
  #isFull = false;
  readonly #patience: Patience | undefined;
  #cancelLook: (() => void) | undefined;
  /** What each of those that wait had left to send at the last look. */
  #seen = new Map<Outgoing, Buffer>();
  /** Whether anything of anybody has been sent since then. */
  #hasSent = false;

  /** @param onEnd is told when all of a stream is on its way @param patience without it the peer may take its time */
  constructor(socket: Socket, onEnd: (stream: Outgoing) => void, patience?: Patience) {
    this.#patience = patience;
    this.#socket = socket;
    this.#onEnd = onEnd;
    socket.on('drain', this.#drained);
  }

  /** Bytes that the peer has not read yet, as far as this side knows. */
  get unread(): number {
    return this.#bytes + this.#socket.writableLength;
  }

  /** A frame, or several. */
  send(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#out.push(bytes) === 1) process.nextTick(this.#flush);
  }

  /** A block of header fields, in as many frames as it takes. */
  block(id: number, block: Buffer, isLast: boolean): void {
    let type: number = FRAME.headers;
    let flags: number = isLast ? FLAG.endStream : 0;
    let rest = block;
    for (; rest.length > this.maxFrame; rest = rest.subarray(this.maxFrame)) {
      this.send(frame(type, flags, id, rest.subarray(0, this.maxFrame)));
      type = FRAME.continuation;
      flags = 0;
    }
    this.send(frame(type, flags | FLAG.endHeaders, id, rest));
  }

  /** What `stream` has to send. */
  body(stream: Outgoing): void {
    if (this.#isFull || this.#bytes >= MOST_AT_ONCE || !this.#some(stream)) this.#wait(stream);
  }

  /** It has nothing to send any more. */
  drop(stream: Outgoing): void {
    this.#waiting.delete(stream);
    if (this.#waiting.size > 0) return;
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    this.#seen.clear();
  }

  /** @param stream undefined: of the connection. @throws ProtocolError */
  makeRoom(stream: Outgoing | undefined, bytes: number): void {
    if (stream) stream.sendRoom += bytes;
    else this.#room += bytes;
    if ((stream?.sendRoom ?? this.#room) > MAX_WINDOW)
      throw new ProtocolError(ERROR.flowControl, 'more room than there can be');
    if (!stream) this.#pump();
    else if (this.#waiting.has(stream)) {
      this.#waiting.delete(stream);
      this.body(stream);
    }
  }

  readonly #flush = (): void => {
    const out = this.#out;
    const bytes = this.#bytes;
    this.#out = [];
    this.#bytes = 0;
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (bytes > MOST_COPIED) this.#writeLarge(out);
    else if (!this.#socket.write(out.length === 1 ? out[0]! : Buffer.concat(out, bytes))) this.#isFull = true;
    if (!this.#isFull) this.#goOn();
  };

  /** Large pieces are not copied here: as much garbage would cost more than all else of a long list. */
  #writeLarge(out: readonly Buffer[]): void {
    this.#isFull = true;
    this.#socket.cork();
    for (let i = 0; i + 1 < out.length; i++) this.#socket.write(out[i]!);
    this.#socket.write(out.at(-1)!, this.#drained);
    this.#socket.uncork();
  }

  readonly #drained = (): void => {
    this.#isFull = false;
    this.#goOn();
  };

  #goOn(): void {
    const sent = this.#sent;
    if (sent.length > 0) this.#sent = [];
    for (const stream of sent) stream.onSent();
    this.#pump();
  }

  /** Gives each of those that wait a part of the room that there is. */
  #pump(): void {
    for (const stream of [...this.#waiting]) {
      if (this.#isFull || this.#bytes >= MOST_AT_ONCE || this.#room <= 0) return;
      if (stream.sendRoom <= 0 && stream.outgoing.length > 0) continue;
      this.#waiting.delete(stream);
      if (!this.#some(stream)) this.#wait(stream);
    }
  }

  #wait(stream: Outgoing): void {
    this.#waiting.add(stream);
    this.#cancelLook ??= this.#patience?.clock.after(LOOK_MS, this.#look, { background: true });
  }

  /** Whoever waits for its turn on a connection that goes on is not to blame. */
  readonly #look = (): void => {
    this.#cancelLook = undefined;
    const stalled = [...this.#waiting].filter(
      (stream) =>
        stream.isLast &&
        stream.outgoing.length > 0 &&
        this.#seen.get(stream) === stream.outgoing &&
        (stream.sendRoom <= 0 || !this.#hasSent),
    );
    this.#seen = new Map(Array.from(this.#waiting, (stream) => [stream, stream.outgoing]));
    this.#hasSent = false;
    for (const stream of stalled) this.#patience?.onStalled(stream);
    const [first] = this.#waiting;
    if (first) this.#wait(first);
  };

  /** As much as there is room for. @returns whether that was all of it */
  #some(stream: Outgoing): boolean {
    for (;;) {
      const { outgoing } = stream;
      const size = Math.min(outgoing.length, this.maxFrame, stream.sendRoom, this.#room);
      const isWhole = size === outgoing.length;
      if (size <= 0 && !isWhole) return false;
      stream.sendRoom -= size;
      this.#room -= size;
      if (size > 0) this.#hasSent = true;
      const isEnd = isWhole && stream.isLast;
      this.send(frameHead(FRAME.data, isEnd ? FLAG.endStream : 0, stream.id, size));
      if (size > 0) this.send(isWhole ? outgoing : outgoing.subarray(0, size));
      stream.outgoing = isWhole ? NOTHING : outgoing.subarray(size);
      if (isEnd) this.#onEnd(stream);
      else if (isWhole) this.#sent.push(stream);
      if (isWhole) return true;
      if (this.#bytes >= MOST_AT_ONCE) return false;
    }
  }
}

const NOTHING = Buffer.alloc(0);
