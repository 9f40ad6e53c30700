/**
 * Requests over a pool of HTTP/2 connections to one server.
 *
 *     send ─▶ a connection with a stream to spare ─ none ─▶ open another (up to MAX_CONNECTIONS) ─ all full ─▶ wait
 *
 * A connection is left, its streams running on, when the server says goodbye or the credentials have changed. One that is
 * silent is asked for a sign of life, so that a dead peer is noticed although TCP notices nothing.
 */
import http2 from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '@keelson/api/clock';
import { unlessAborted } from '@keelson/component/promises';
import type { TlsMaterial } from './tls.ts';
import { ConnectionError, type Transport, type WireRequest, type WireResponse } from './transport.ts';
import { openTunnel } from './tunnel.ts';

export interface Http2Options {
  /** `https://127.0.0.1:6443`; a path in it is put before every request's. */
  readonly server: string;
  readonly tls: () => Promise<TlsMaterial>;
  readonly clock: Clock;
  /** What the server is reached through. */
  readonly proxy?: URL | undefined;
}

const MAX_CONNECTIONS = 16;
const CONNECT_TIMEOUT_MS = 30_000;
/** As in client-go: after so much silence a ping is sent, and its answer must come in time. */
const SILENCE_MS = 30_000;
const PING_TIMEOUT_MS = 15_000;
/** What may be under way unread: for a stream, so that one slow reader holds no more; for all of a connection. */
const STREAM_WINDOW = 4 * 1024 * 1024;
const CONNECTION_WINDOW = 1024 * 1024 * 1024;

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM, HTTP2_HEADER_STATUS } = http2.constants;

export class Http2Transport implements Transport {
  readonly #options: Http2Options;
  readonly #origin: string;
  readonly #prefix: string;
  /** Those that take requests. */
  readonly #connections = new Set<Connection>();
  /** These, those that are on their way, and those on which requests still run. */
  readonly #all = new Set<Connection>();
  #opening: Promise<void> | undefined;
  #waiting: (() => void)[] = [];
  #material: TlsMaterial | undefined;
  #closed = false;

  constructor(options: Http2Options) {
    this.#options = options;
    const { origin, pathname } = new URL(options.server);
    this.#origin = origin;
    this.#prefix = pathname.replace(/\/$/, '');
  }

  async send(request: WireRequest): Promise<WireResponse> {
    request.signal?.throwIfAborted();
    const connection = await this.#acquire(request.signal);
    return connection.send({ ...request, path: this.#prefix + request.path });
  }

  /** What is under way is cut. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#all) connection.destroy();
    this.#wake();
  }

  /** A connection on which a stream was set aside. */
  async #acquire(signal: AbortSignal | undefined): Promise<Connection> {
    for (;;) {
      if (this.#closed) throw new ConnectionError('unreachable', 'the client is closed');
      await this.#checkCredentials();
      for (const connection of this.#connections) if (connection.reserve()) return connection;
      if (this.#connections.size < MAX_CONNECTIONS) {
        this.#opening ??= this.#open().finally(() => {
          this.#opening = undefined;
        });
        await unlessAborted(this.#opening, signal);
      } else await unlessAborted(new Promise<void>((resolve) => this.#waiting.push(resolve)), signal);
    }
  }

  async #checkCredentials(): Promise<void> {
    const material = await this.#options.tls();
    if (material === this.#material) return;
    this.#material = material;
    for (const connection of this.#connections) connection.retire();
  }

  async #open(): Promise<void> {
    const material = this.#material!;
    const tunnel = await this.#tunnel(material);
    const connection = new Connection(this.#origin, material, tunnel, this.#options.clock, {
      freed: () => this.#wake(),
      retired: () => {
        this.#connections.delete(connection);
        this.#wake();
      },
      gone: () => this.#all.delete(connection),
    });
    this.#all.add(connection);
    if (this.#closed) connection.destroy();
    await connection.ready;
    if (!this.#closed) this.#connections.add(connection);
  }

  async #tunnel(material: TlsMaterial): Promise<Socket | undefined> {
    const { proxy } = this.#options;
    if (!proxy) return undefined;
    const { hostname: host, port, protocol } = new URL(this.#origin);
    const to = { host, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) };
    return openTunnel(proxy, to, CONNECT_TIMEOUT_MS, material).catch((error: Error) => {
      throw new ConnectionError('unreachable', `proxyconnect: ${error.message}`, error);
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

interface Owner {
  /** A stream is to spare again. */
  freed(): void;
  /** The connection takes no more requests. */
  retired(): void;
  /** Nothing is under way on it any more. */
  gone(): void;
}

class Connection {
  readonly ready: Promise<void>;
  readonly #session: http2.ClientHttp2Session;
  readonly #owner: Owner;
  readonly #clock: Clock;
  #streams = 0;
  #retired = false;
  #bytesRead = 0;
  #cancelTimer: () => void;
  #problem: Error | undefined;

  /** @param tunnel to the server, where it is not reached directly */
  constructor(
    origin: string,
    { context, serverName, insecureSkipVerify }: TlsMaterial,
    tunnel: Socket | undefined,
    clock: Clock,
    owner: Owner,
  ) {
    this.#owner = owner;
    this.#clock = clock;
    const session = http2.connect(origin, {
      secureContext: context,
      rejectUnauthorized: !insecureSkipVerify,
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...throughTunnel(origin, tunnel),
      settings: { initialWindowSize: STREAM_WINDOW, enablePush: false },
    });
    this.#session = session;
    this.#cancelTimer = clock.after(CONNECT_TIMEOUT_MS, () => {
      session.destroy(new Error(`no connection to ${origin} within ${CONNECT_TIMEOUT_MS / 1000} s`));
    });
    // The server's settings say how many streams it takes; requests before that could only be guessed.
    this.ready = new Promise((resolve, reject) => {
      session.once('remoteSettings', () => {
        session.setLocalWindowSize(CONNECTION_WINDOW);
        session.unref();
        this.#listen();
        resolve();
      });
      session.once('close', () => {
        const message = this.#problem?.message || `no connection to ${origin}`;
        reject(new ConnectionError('unreachable', message, this.#problem));
      });
    });
    session.on('error', (error) => {
      this.#problem = error;
    });
    session.once('goaway', () => this.retire());
    session.once('close', () => {
      this.#cancelTimer();
      this.retire();
      owner.gone();
    });
  }

  /** Sets a stream aside for the `send` that follows, if there is one. */
  reserve(): boolean {
    const limit = this.#session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
    if (this.#retired || this.#session.closed || this.#streams >= limit) return false;
    this.#streams += 1;
    if (this.#streams === 1) this.#session.ref();
    return true;
  }

  send({ method, path, headers, body, signal }: WireRequest): Promise<WireResponse> {
    return new Promise((resolve, reject) => {
      let stream: http2.ClientHttp2Stream;
      try {
        stream = this.#session.request({ ':method': method, ':path': path, ...headers }, { endStream: !body });
      } catch (error) {
        this.#release();
        return reject(new ConnectionError('unprocessed', 'the connection was closed', error));
      }
      const abort = () => stream.close(NGHTTP2_CANCEL);
      let answered = false;
      let problem: Error | undefined;
      const failure = () => {
        if (signal?.aborted) return signal.reason;
        const cause = problem ?? this.#problem;
        const refused = stream.rstCode === NGHTTP2_REFUSED_STREAM;
        return new ConnectionError(refused ? 'unprocessed' : 'broken', cause?.message ?? 'the connection broke', cause);
      };
      stream.on('error', (error) => {
        problem = error;
      });
      stream.once('close', () => {
        signal?.removeEventListener('abort', abort);
        this.#release();
        if (!answered) reject(failure());
      });
      stream.once('response', (answer) => {
        answered = true;
        const status = Number(answer[HTTP2_HEADER_STATUS]);
        resolve({ status, headers: answer, body: bodyOf(stream, failure) });
      });
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
      if (body) stream.end(body);
    });
  }

  /** No more requests; those under way go on. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    if (!this.#session.destroyed) this.#session.close();
    this.#owner.retired();
  }

  destroy(): void {
    this.#session.destroy();
  }

  #release(): void {
    this.#streams -= 1;
    if (this.#streams === 0 && !this.#session.destroyed) this.#session.unref();
    this.#owner.freed();
  }

  #listen(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(SILENCE_MS, () => this.#checkLife(), { background: true });
  }

  #checkLife(): void {
    const session = this.#session;
    if (session.destroyed) return;
    const { bytesRead = 0 } = session.socket;
    if (bytesRead !== this.#bytesRead) {
      this.#bytesRead = bytesRead;
      this.#listen();
      return;
    }
    this.#cancelTimer = this.#clock.after(
      PING_TIMEOUT_MS,
      () => session.destroy(new Error('the server does not answer')),
      { background: true },
    );
    session.ping((error) => {
      if (!error) this.#listen();
    });
  }
}

/** TLS is spoken over a socket that is given, plain HTTP on it. */
function throughTunnel(origin: string, socket: Socket | undefined): http2.SecureClientSessionOptions {
  if (!socket) return {};
  return origin.startsWith('https:') ? { socket } : { createConnection: () => socket };
}

/**
 * What the stream brings. Node.js's own iterator takes an answer for broken that was complete before anybody read it,
 * since `closed` means something else for HTTP/2 than for other streams.
 */
function bodyOf(stream: http2.ClientHttp2Stream, failure: () => unknown): AsyncGenerator<Uint8Array> {
  let wake = () => {};
  for (const event of ['readable', 'end', 'close']) stream.on(event, () => wake());
  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      while (!stream.readableEnded) {
        const chunk = stream.read() as Buffer | null;
        if (chunk !== null) yield chunk;
        else if (stream.destroyed) throw failure();
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
      if (stream.rstCode !== NGHTTP2_NO_ERROR) throw failure();
    } finally {
      if (!stream.readableEnded) stream.close(NGHTTP2_CANCEL);
    }
  }
  return read();
}
