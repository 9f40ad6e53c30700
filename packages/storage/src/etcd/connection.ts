import type { Clock } from '@keelson/api/clock';
import { ended } from '@keelson/component/promises';
import { StoreUnavailableError } from '../store.ts';
import { isSilence, isUnavailable, translate, wasNotProposed } from './errors.ts';
import type { Address } from './grpc.ts';
import { MessageStream } from './message-stream.ts';
import type { Method } from './messages.ts';
import { TlsFiles, type TlsPaths } from './tls-files.ts';
import { UnaryChannel } from './unary.ts';

/**
 * Goes around each call, to trace it.
 * @param method as in `etcdserverpb.KV/Range`
 * @param run makes the call, with these fields as metadata
 */
export type AroundCall = <T>(
  method: string,
  endpoint: string,
  run: (headers: Readonly<Record<string, string>>) => Promise<T>,
) => Promise<T>;

export interface ConnectionOptions extends TlsPaths {
  /** URLs, as `https://10.0.0.1:2379`, tried one after the other from any of them on. */
  readonly endpoints: readonly string[];
  /** By endpoint, paths of sockets that lead there, where that is not the way to take. */
  readonly via?: ReadonlyMap<string, string> | undefined;
  readonly around?: AroundCall | undefined;
  /** The longest that one request may take, retries included. */
  readonly requestTimeoutMs: number;
  /** Where to begin, in [0, 1): so that several API servers don't all speak to the same member. */
  readonly random: () => number;
  /** The largest answer that is accepted. */
  readonly maxMessageBytes: number;
  readonly clock: Clock;
}

export interface CallOptions {
  /** Whether doing it twice is as good as doing it once. A write that may have reached etcd is not sent again. */
  readonly repeatable: boolean;
  readonly timeoutMs?: number;
  /** Told when it is sent again. */
  readonly onRepeat?: () => void;
}

/** A member that has said nothing for so long hangs: one without a leader gives up, and says so, after 7 s. */
const SILENCE_MS = 10_000;

/** How often TLS files are looked at, besides whenever a connection fails. */
const TLS_CHECK_MS = 60_000;

const RETRY_MS = 25;
const MAX_RETRY_MS = 500;

/** Messages to and fro. */
export interface DuplexStream<Request> {
  write(request: Request): void;
  /** Nothing more is told. */
  cancel(): void;
}

/**
 * Speaks to one endpoint of an etcd cluster at a time, and goes on to the next one when that is
 * unavailable or does not answer in time.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #tlsFiles: TlsFiles;
  #endpoints: readonly Endpoint[] = [];
  #current = 0;
  #cancelTlsCheck: (() => void) | undefined;
  #closed = false;
  /** Told of an endpoint that hangs. */
  onSilence: (endpoint: string) => void = () => {};

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#current = Math.floor(options.random() * options.endpoints.length);
    this.#tlsFiles = new TlsFiles(options);
  }

  /** Does not wait for an endpoint to answer. @throws StoreUnavailableError if the TLS files can't be used */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(options);
    try {
      await connection.#loadTls();
    } catch (error) {
      throw new StoreUnavailableError(`etcd: its certificates cannot be used: ${(error as Error).message}`, {
        cause: error,
      });
    }
    connection.#scheduleTlsCheck();
    return connection;
  }

  /** The endpoint that the next call goes to. */
  get endpoint(): string {
    return this.#options.endpoints[this.#current]!;
  }

  /** @throws StoreUnavailableError with endpoint and cause; etcd's own error if it refused the request */
  async call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    { repeatable, timeoutMs = this.#options.requestTimeoutMs, onRepeat }: CallOptions,
  ): Promise<Response> {
    const { clock } = this.#options;
    const deadline = clock.now() + timeoutMs;
    // What can be repeated leaves time for the endpoints after one that is silent.
    const patience = Math.min(SILENCE_MS, timeoutMs);
    const share = repeatable ? patience / this.#options.endpoints.length : patience;
    for (let attempt = 1; ; attempt++) {
      const index = this.#current;
      try {
        return await this.#send(method, request, Math.min(deadline, clock.now() + share));
      } catch (error) {
        if (this.#closed) throw new StoreUnavailableError('the store is closed');
        if (!isUnavailable(error)) throw error;
        const endpoint = this.#options.endpoints[index]!;
        this.failOver(endpoint);
        if (isSilence(error)) this.onSilence(endpoint);
        if (!(repeatable || wasNotProposed(error))) throw translate(error, endpoint);
        if (attempt % this.#options.endpoints.length === 0) await this.#pause(attempt);
        if (clock.now() >= deadline) throw translate(error, endpoint, true);
        onRepeat?.();
      }
    }
  }

  /** Opens a stream to the current endpoint. @param onEnd is told once that it has ended, unless it was cancelled */
  stream<Request, Response>(
    { path, encode, decode }: Method<Request, Response>,
    onMessage: (response: Response) => void,
    onEnd: () => void,
  ): DuplexStream<Request> {
    const { clock, maxMessageBytes: maxBytes } = this.#options;
    // Makes a member without a leader end the stream instead of leaving it silent.
    const options = { clock, maxBytes, headers: { hasleader: 'true' } };
    const stream = new MessageStream(this.#endpoints[this.#current]!.address, path, options, {
      message: (bytes) => onMessage(decode(bytes)),
      end: onEnd,
    });
    return { write: (request) => stream.write(encode(request)), cancel: () => stream.cancel() };
  }

  /** Called when an endpoint proved useless; the next one is used from then on. */
  failOver(endpoint: string): void {
    if (endpoint === this.endpoint) {
      this.#endpoints[this.#current]?.calls.renew();
      this.#current = (this.#current + 1) % this.#options.endpoints.length;
    }
    void this.#reloadTls();
  }

  /** What fails from now on is not tried again. */
  stop(): void {
    this.#closed = true;
    this.#cancelTlsCheck?.();
  }

  close(): void {
    this.stop();
    for (const { calls } of this.#endpoints) calls.close();
  }

  async #send<Request, Response>(
    { path, encode, decode }: Method<Request, Response>,
    request: Request,
    deadline: number,
  ): Promise<Response> {
    const { calls } = this.#endpoints[this.#current]!;
    const { maxMessageBytes: maxBytes, around } = this.#options;
    const call = { path, message: encode(request), deadline, maxBytes };
    const bytes = around
      ? around(path.slice(1), this.endpoint, (headers) => calls.call({ ...call, headers }))
      : calls.call(call);
    return decode(await bytes);
  }

  #pause(attempt: number): Promise<void> {
    const ms = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(attempt, 10));
    return new Promise((resolve) => this.#options.clock.after(ms, resolve));
  }

  /** Makes new channels if the files have changed. Calls and streams on the old ones run on. */
  async #loadTls(): Promise<void> {
    const context = await this.#tlsFiles.load();
    if (context === undefined || this.#closed) return;
    const old = this.#endpoints;
    this.#endpoints = this.#options.endpoints.map((endpoint) => {
      const { secure, ...parsed } = parseEndpoint(endpoint, this.#usesTls);
      const via = this.#options.via?.get(endpoint);
      const address = { ...parsed, via, tls: secure ? context : undefined };
      return { address, calls: new UnaryChannel(address, this.#options.clock) };
    });
    for (const { calls } of old) calls.renew();
  }

  /** While files are being replaced they may not fit together: those of before serve until they do. */
  #reloadTls(): Promise<void> {
    return ended(this.#loadTls());
  }

  #scheduleTlsCheck(): void {
    if (!this.#usesTls) return;
    const check = () => {
      void this.#reloadTls();
      this.#scheduleTlsCheck();
    };
    this.#cancelTlsCheck = this.#options.clock.after(TLS_CHECK_MS, check, { background: true });
  }

  get #usesTls(): boolean {
    const { caFile, certFile, keyFile } = this.#options;
    return Boolean(caFile || certFile || keyFile);
  }
}

/** How one member is spoken to. */
interface Endpoint {
  readonly address: Address;
  readonly calls: UnaryChannel;
}

interface ParsedEndpoint {
  readonly secure: boolean;
  /** `host:port`, or the path of a socket. */
  readonly address: string;
  readonly isSocket: boolean;
}

/** Without a scheme TLS is used if there are files for it; so does etcd's own client. */
function parseEndpoint(endpoint: string, tlsByDefault: boolean): ParsedEndpoint {
  const [, scheme, address] = /^(?:(https?|unixs?):\/\/)?(.+?)\/?$/.exec(endpoint) ?? [];
  if (address === undefined) throw new Error(`"${endpoint}" is no etcd endpoint`);
  const secure = scheme === undefined ? tlsByDefault : scheme === 'https' || scheme === 'unixs';
  return { secure, address, isSocket: scheme?.startsWith('unix') ?? false };
}
