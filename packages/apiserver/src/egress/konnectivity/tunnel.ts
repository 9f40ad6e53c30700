/**
 * One connection through a konnectivity server, over a stream of gRPC's that it has for itself:
 *
 *     DIAL_REQ(address, random) ─▶   ◀─ DIAL_RSP(connectID or error), DIAL_CLS
 *     DATA… ─▶                       ◀─ DATA…
 *     CLOSE_REQ ─▶                   ◀─ CLOSE_RSP: also when the other end has closed
 */
import { randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { joinHostPort } from '@keelson/component/go/net';
import { RpcClient } from '@keelson/component/grpc/client';
import { rpcError } from '@keelson/component/grpc/errors';
import type { Destination } from '../../connect/dial.ts';
import { type Packet, proxyService } from './messages.ts';
import type { ConnectionStatus, FailureReason, KonnectivityMetrics } from './metrics.ts';

const CONNECT_MS = 30_000;
const DIAL_MS = 30_000;
/** How long the other side may take to say that it has closed. */
const CLOSE_MS = 10_000;
/** What fits well into a message. */
const MAX_DATA_BYTES = 1 << 20;
const MAX_RANDOM = 2 ** 48 - 1;

/**
 * @param path of the server's socket
 * @param onReached called when the server itself is reached
 * @throws Error
 */
export async function dialTunnel(
  path: string,
  to: Destination,
  metrics: KonnectivityMetrics,
  onReached: () => void,
): Promise<Socket> {
  const client = new RpcClient(`unix:${path}`);
  try {
    await client.ready(CONNECT_MS);
  } catch {
    client.close();
    throw new Error(`context deadline exceeded: there is nobody at ${path}`);
  }
  onReached();
  const tunnel = new Tunnel(client, metrics);
  try {
    return await tunnel.dial(joinHostPort(to.host, to.port));
  } catch (error) {
    metrics.failed(error instanceof DialFailure ? error.reason : 'unknown');
    tunnel.close();
    throw error;
  }
}

class DialFailure extends Error {
  readonly reason: FailureReason;

  constructor(message: string, reason: FailureReason) {
    super(message);
    this.reason = reason;
  }
}

class Tunnel {
  readonly #client: RpcClient;
  readonly #metrics: KonnectivityMetrics;
  readonly #stream: ClientDuplexStream<Packet, Packet>;
  #status: ConnectionStatus | undefined;
  #onPacket: (packet: Packet) => void = () => {};
  #onEnd: (error: Error) => void = () => {};

  constructor(client: RpcClient, metrics: KonnectivityMetrics) {
    this.#client = client;
    this.#metrics = metrics;
    this.#move('created');
    this.#stream = client.duplex(proxyService, 'Proxy');
    this.#stream.on('data', (packet: Packet) => {
      metrics.packet('to_client', packet.type);
      this.#onPacket(packet);
    });
    this.#stream.on('error', (error: Parameters<typeof rpcError>[0]) => {
      // One that was closed here.
      if (this.#status === undefined) return;
      const failure = rpcError(error);
      metrics.brokeOff(failure.codeName);
      this.#onEnd(failure);
    });
    this.#stream.on('end', () => this.#onEnd(new DialFailure('tunnel closed', 'tunnelclosed')));
  }

  /** @throws DialFailure, RpcError */
  dial(address: string): Promise<Socket> {
    const random = randomInt(1, MAX_RANDOM);
    this.#move('dialing');
    return new Promise((resolve, reject) => {
      const fail = (message: string, reason: FailureReason) => this.#onEnd(new DialFailure(message, reason));
      const timer = setTimeout(() => {
        this.send({ type: 'DIAL_CLS', closeDial: { random } });
        fail('dial timeout, backstop', 'timeout');
      }, DIAL_MS);
      this.#onEnd = (error) => {
        clearTimeout(timer);
        reject(error);
      };
      this.#onPacket = ({ type, dialResponse, closeDial }) => {
        if (type === 'DIAL_CLS' && closeDial?.random === random) return fail('dial closed', 'dialclosed');
        if (type !== 'DIAL_RSP' || dialResponse?.random !== random) return;
        if (dialResponse.error !== '') return fail(dialResponse.error, 'endpoint');
        clearTimeout(timer);
        this.#move('ok');
        resolve(this.#join(dialResponse.connectID));
      };
      this.send({ type: 'DIAL_REQ', dialRequest: { protocol: 'tcp', address, random } });
    });
  }

  #join(id: number): Socket {
    const joined = new TunnelSocket(this, id);
    this.#onPacket = (packet) => joined.received(packet);
    this.#onEnd = (error) => joined.destroy(error);
    return joined as Duplex as Socket;
  }

  /** @param sent told when there is room for more */
  send(packet: Packet, sent: () => void = () => {}): void {
    this.#metrics.packet('from_client', packet.type);
    this.#stream.write(packet, sent);
  }
  pause(): void {
    this.#stream.pause();
  }
  resume(): void {
    this.#stream.resume();
  }

  close(): void {
    this.#onPacket = () => {};
    this.#onEnd = () => {};
    this.#move(undefined);
    this.#stream.cancel();
    this.#client.close();
  }

  #move(to: ConnectionStatus | undefined): void {
    this.#metrics.moved(this.#status, to);
    this.#status = to;
  }
}

/** As much of a socket as clients of HTTP and TLS ask for. */
class TunnelSocket extends Duplex {
  readonly connecting = false;
  readonly #tunnel: Tunnel;
  readonly #id: number;
  /** `closing`: the other side was asked to; `closed`: it has. */
  #state: 'open' | 'closing' | 'closed' = 'open';
  #timer: NodeJS.Timeout | undefined;

  constructor(tunnel: Tunnel, id: number) {
    super();
    this.#tunnel = tunnel;
    this.#id = id;
  }

  received({ type, data, closeResponse }: Packet): void {
    if (type === 'DATA' && data?.connectID === this.#id) {
      if (!this.destroyed && !this.push(data.data)) this.#tunnel.pause();
    } else if (type === 'CLOSE_RSP' && closeResponse?.connectID === this.#id) {
      this.#state = 'closed';
      if (this.destroyed) {
        this.#release();
        return;
      }
      this.push(null);
      this.end();
    }
  }

  override _read(): void {
    this.#tunnel.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: () => void): void {
    const [data, rest] = [chunk.subarray(0, MAX_DATA_BYTES), chunk.subarray(MAX_DATA_BYTES)];
    const next = () => (rest.length > 0 ? this._write(rest, encoding, done) : done());
    this.#tunnel.send({ type: 'DATA', data: { connectID: this.#id, data } }, next);
  }

  /** There is no half of a close. */
  override _final(done: () => void): void {
    this.#askToClose();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (error || this.#state === 'closed') this.#release();
    else this.#askToClose();
    this.#tunnel.resume();
    done(error);
  }

  #askToClose(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#tunnel.send({ type: 'CLOSE_REQ', closeRequest: { connectID: this.#id } });
    this.#timer = setTimeout(() => {
      this.destroy();
      this.#release();
    }, CLOSE_MS).unref();
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#tunnel.close();
  }

  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}
