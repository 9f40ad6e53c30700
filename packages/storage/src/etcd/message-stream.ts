import type { Clock } from '@keelson/api/clock';
import { ClientConnection, type OpenRequest } from '@keelson/component/http2/client';
import { encodeFields } from '@keelson/component/http2/hpack';
import { type Address, dial, fieldsOf, framed, PREFIX } from './grpc.ts';
import { inTime } from './unary.ts';

/** As upstream's client does it, to find out about a peer that is gone without a word. */
const PING_MS = 30_000;
const PONG_MS = 10_000;

export interface MessageHandler {
  message(bytes: Buffer): void;
  /** Once, and nothing after it: the peer has ended it, or is gone. Not when this side has. */
  end(): void;
}

export interface MessageStreamOptions {
  readonly clock: Clock;
  /** Of a message. */
  readonly maxBytes: number;
  /** Sent with it; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Messages of gRPC both ways, on a connection of their own, so that nothing which is large stands before them. */
export class MessageStream {
  readonly #connection: ClientConnection;
  readonly #request: OpenRequest;
  readonly #handler: MessageHandler;
  readonly #clock: Clock;
  #cancelPing: (() => void) | undefined;
  #isOver = false;

  /** @param path `/service/method` */
  constructor(
    address: Address,
    path: string,
    { clock, maxBytes, headers }: MessageStreamOptions,
    handler: MessageHandler,
  ) {
    this.#handler = handler;
    this.#clock = clock;
    this.#connection = new ClientConnection(dial(address));
    const reader = new MessageReader(maxBytes, (message) => {
      if (!this.#isOver) handler.message(message);
    });
    const block = encodeFields([...fieldsOf(address, path), ...Object.entries(headers)]);
    this.#request = this.#connection.open(block, {
      headers: (fields) => {
        if ((fields.get(':status') ?? '200') !== '200') this.#end();
      },
      data: (bytes) => {
        if (!reader.read(bytes)) this.#end();
      },
      end: () => this.#end(),
    });
    inTime(this.#connection.accepted, PONG_MS, clock).then(
      () => this.#keepAlive(),
      () => this.#end(),
    );
  }

  write(message: Buffer): void {
    this.#request.send(framed(message));
  }

  /** The handler is told nothing more. */
  cancel(): void {
    this.#isOver = true;
    this.#cancelPing?.();
    this.#connection.destroy();
  }

  #end(): void {
    if (this.#isOver) return;
    this.cancel();
    this.#handler.end();
  }

  #keepAlive(): void {
    if (this.#isOver) return;
    this.#cancelPing = this.#clock.after(
      PING_MS,
      () => {
        this.#cancelPing = this.#clock.after(PONG_MS, () => this.#end(), { background: true });
        this.#connection.ping(() => {
          this.#cancelPing?.();
          this.#keepAlive();
        });
      },
      { background: true },
    );
  }
}

/** Takes what comes, cut anywhere, apart into messages. */
class MessageReader {
  readonly #maxBytes: number;
  readonly #onMessage: (message: Buffer) => void;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Of the message that comes, with what is before it; 0: that is to come. */
  #length = 0;

  constructor(maxBytes: number, onMessage: (message: Buffer) => void) {
    this.#maxBytes = maxBytes;
    this.#onMessage = onMessage;
  }

  /** @returns false where a message is too large, or compressed, which was not asked for */
  read(bytes: Buffer): boolean {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    while (this.#bytes >= Math.max(PREFIX, this.#length)) {
      const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces, this.#bytes);
      this.#pieces = [all];
      this.#length = PREFIX + all.readUInt32BE(1);
      if (all[0] !== 0 || this.#length > this.#maxBytes) return false;
      if (this.#bytes < this.#length) break;
      this.#onMessage(all.subarray(PREFIX, this.#length));
      this.#pieces = [all.subarray(this.#length)];
      this.#bytes -= this.#length;
      this.#length = 0;
    }
    return true;
  }
}
