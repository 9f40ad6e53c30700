/**
 * A transport between threads: one end speaks for the clients of its thread, the other hands what they ask to transports of
 * its own thread. All that one end has to say in one turn of its event loop goes as one message.
 *
 *     client ─ PortClient ─ Courier ══ MessagePort ══ Courier ─ servePort ─ LocalTransport ─ API server
 */
import type { MessagePort } from 'node:worker_threads';
import { ConnectionError, type Transport, type WireRequest, type WireResponse } from '@keelson/client';

/** By the end of the clients. Connections and exchanges have numbers of the sender's choice. */
type Ask =
  | { readonly type: 'connect'; readonly connection: number; readonly certificate: string | undefined }
  | { readonly type: 'close'; readonly connection: number }
  | {
      readonly type: 'request';
      readonly exchange: number;
      readonly connection: number;
      readonly request: Omit<WireRequest, 'signal'>;
    }
  /** The reader has taken so many bytes. */
  | { readonly type: 'taken'; readonly exchange: number; readonly bytes: number }
  | { readonly type: 'cancel'; readonly exchange: number };

/** By the other end. */
type Tell =
  | { readonly type: 'answer'; readonly exchange: number; readonly answer: Omit<WireResponse, 'body'> }
  | { readonly type: 'chunk'; readonly exchange: number; readonly chunk: Uint8Array }
  | { readonly type: 'end'; readonly exchange: number }
  | {
      readonly type: 'failure';
      readonly exchange: number;
      readonly loss: ConnectionError['loss'];
      readonly message: string;
    };

/** A copy: the bytes may be a piece of a larger buffer, all of which would go over, or their owner may want them again. */
function movable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/** What may be under way of one answer that its reader has not taken. */
const WINDOW_BYTES = 1 << 20;

/** Sends and receives in batches. */
class Courier<Out, In> {
  readonly #port: MessagePort;
  #batch: Out[] = [];
  #bytes: ArrayBuffer[] = [];

  constructor(port: MessagePort, receive: (message: In) => void) {
    this.#port = port;
    port.on('message', (messages: readonly In[]) => {
      for (const message of messages) receive(message);
    });
  }

  /** @param bytes what of the message moves over instead of being copied */
  send(message: Out, bytes?: ArrayBuffer): void {
    if (this.#batch.length === 0) setImmediate(() => this.#flush());
    this.#batch.push(message);
    if (bytes) this.#bytes.push(bytes);
  }

  #flush(): void {
    const [batch, bytes] = [this.#batch, this.#bytes];
    this.#batch = [];
    this.#bytes = [];
    this.#port.postMessage(batch, bytes);
  }
}

/** The end of the clients. */
export class PortClient {
  readonly #courier: Courier<Ask, Tell>;
  readonly #exchanges = new Map<number, RemoteExchange>();
  #last = 0;

  constructor(port: MessagePort) {
    this.#courier = new Courier<Ask, Tell>(port, (told) => this.#exchanges.get(told.exchange)?.receive(told));
  }

  /** @param certificate PEM, of one who proves itself by it */
  connect(certificate?: string): Transport {
    const connection = ++this.#last;
    const open = new Set<RemoteExchange>();
    this.#courier.send({ type: 'connect', connection, certificate });
    let isClosed = false;
    return {
      send: async ({ signal, ...request }) => {
        signal?.throwIfAborted();
        if (isClosed) throw new ConnectionError('unreachable', 'the connection to the API server is closed');
        const exchange = this.#begin(connection, request);
        open.add(exchange);
        const abort = () => exchange.cancel(signal?.reason);
        signal?.addEventListener('abort', abort, { once: true });
        exchange.onOver = () => {
          open.delete(exchange);
          signal?.removeEventListener('abort', abort);
        };
        return exchange.answer;
      },
      close: () => {
        isClosed = true;
        this.#courier.send({ type: 'close', connection });
        for (const exchange of open) exchange.cancel(new ConnectionError('broken', 'the connection was closed'));
      },
    };
  }

  #begin(connection: number, request: Omit<WireRequest, 'signal'>): RemoteExchange {
    const number = ++this.#last;
    const tell = (ask: Ask) => this.#courier.send(ask);
    const exchange = new RemoteExchange(number, tell, () => this.#exchanges.delete(number));
    this.#exchanges.set(number, exchange);
    const body = request.body && movable(request.body);
    this.#courier.send({ type: 'request', exchange: number, connection, request: { ...request, body } }, body?.buffer);
    return exchange;
  }
}

class RemoteExchange {
  readonly answer: Promise<WireResponse>;
  onOver: () => void = () => {};
  readonly #number: number;
  readonly #tell: (ask: Ask) => void;
  readonly #forget: () => void;
  readonly #settle: { resolve(response: WireResponse): void; reject(error: unknown): void };
  readonly #chunks: Uint8Array[] = [];
  #failure: unknown;
  #isOver = false;
  #wake: () => void = () => {};

  constructor(number: number, tell: (ask: Ask) => void, forget: () => void) {
    this.#number = number;
    this.#tell = tell;
    this.#forget = forget;
    const { promise, resolve, reject } = Promise.withResolvers<WireResponse>();
    this.answer = promise;
    this.#settle = { resolve, reject };
  }

  receive(told: Tell): void {
    switch (told.type) {
      case 'answer':
        this.#settle.resolve({ ...told.answer, body: this.#body() });
        break;
      case 'chunk':
        this.#chunks.push(told.chunk);
        break;
      case 'end':
        this.#end();
        break;
      case 'failure':
        this.#end(new ConnectionError(told.loss, told.message));
    }
    this.#wake();
  }

  cancel(reason: unknown): void {
    if (this.#isOver) return;
    this.#tell({ type: 'cancel', exchange: this.#number });
    this.#chunks.length = 0;
    this.#end(reason ?? new ConnectionError('broken', 'the exchange was cancelled'));
    this.#wake();
  }

  #end(failure?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    if (failure !== undefined) this.#settle.reject(failure);
    this.#forget();
    this.onOver();
  }

  async *#body(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          yield chunk;
          if (!this.#isOver) this.#tell({ type: 'taken', exchange: this.#number, bytes: chunk.length });
        } else if (this.#isOver) {
          if (this.#failure !== undefined) throw this.#failure;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.cancel(undefined);
    }
  }
}

/** The other end. @param connect makes what the requests of a connection go by */
export function servePort(port: MessagePort, connect: (certificate?: string) => Transport): void {
  const connections = new Map<number, Transport>();
  const exchanges = new Map<number, ServedExchange>();
  const courier = new Courier<Tell, Ask>(port, (ask) => {
    switch (ask.type) {
      case 'connect':
        connections.set(ask.connection, connect(ask.certificate));
        break;
      case 'close':
        connections.get(ask.connection)?.close();
        connections.delete(ask.connection);
        break;
      case 'request': {
        const exchange = new ServedExchange(ask.exchange, courier);
        exchanges.set(ask.exchange, exchange);
        void exchange.run(connections.get(ask.connection)!, ask.request).finally(() => exchanges.delete(ask.exchange));
        break;
      }
      case 'taken':
        exchanges.get(ask.exchange)?.taken(ask.bytes);
        break;
      case 'cancel':
        exchanges.get(ask.exchange)?.cancel();
    }
  });
}

class ServedExchange {
  readonly #number: number;
  readonly #courier: Courier<Tell, Ask>;
  readonly #cancelled = new AbortController();
  #window = WINDOW_BYTES;
  #wake: () => void = () => {};

  constructor(number: number, courier: Courier<Tell, Ask>) {
    this.#number = number;
    this.#courier = courier;
  }

  async run(transport: Transport, request: Omit<WireRequest, 'signal'>): Promise<void> {
    const { signal } = this.#cancelled;
    const exchange = this.#number;
    try {
      const { body, ...answer } = await transport.send({ ...request, signal });
      this.#courier.send({ type: 'answer', exchange, answer });
      for await (const bytes of body) {
        const chunk = movable(bytes);
        this.#window -= chunk.length;
        this.#courier.send({ type: 'chunk', exchange, chunk }, chunk.buffer);
        while (this.#window <= 0 && !signal.aborted) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
        if (signal.aborted) return;
      }
      this.#courier.send({ type: 'end', exchange });
    } catch (error) {
      if (signal.aborted) return;
      const { loss, message } =
        error instanceof ConnectionError ? error : { loss: 'broken' as const, message: String(error) };
      this.#courier.send({ type: 'failure', exchange, loss, message });
    }
  }

  taken(bytes: number): void {
    this.#window += bytes;
    this.#wake();
  }

  cancel(): void {
    this.#cancelled.abort();
    this.#wake();
  }
}
