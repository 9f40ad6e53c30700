/**
 * Streams of exec and attach over a websocket: each message's first byte is the number of its channel. In the protocols
 * whose names begin with base64 it is a digit, and the rest is encoded (k8s.io/apimachinery/pkg/util/httpstream/wsstream).
 */
import type http from 'node:http';
import { type Duplex, PassThrough, Writable } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { StreamOptions } from '../runtime/streams.ts';
import { failed, type Outcome, type Remote } from './exec.ts';

const [STDIN, STDOUT, STDERR, ERROR, RESIZE] = [0, 1, 2, 3, 4] as const;
/** In v5, before the number of a channel of which no more comes. */
const CLOSE = 255;
const PROTOCOLS = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
];
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

export function isWebSocket({ headers }: http.IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/** As `serveCommand` of SPDY. */
export async function serveCommand(
  request: http.IncomingMessage,
  socket: Duplex,
  head: Buffer,
  wanted: StreamOptions,
  what: string,
  run: (remote: Remote) => Promise<Outcome>,
): Promise<void> {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
  const protocol = PROTOCOLS.find((each) => offered.includes(each)) ?? '';
  const client = await accept(request, socket, head, protocol);
  const wire = new Wire(client, protocol.includes('base64'));
  const stdin = wanted.stdin ? new PassThrough() : undefined;
  const resize = wanted.tty ? new PassThrough() : undefined;
  const gone = new Promise<void>((resolve) => client.once('close', () => resolve()));
  client.on('error', () => client.terminate());
  client.on('message', (message: Buffer) => {
    const [channel, data] = wire.read(message);
    if (channel === STDIN && stdin && !stdin.write(data)) {
      client.pause();
      stdin.once('drain', () => client.resume());
    } else if (channel === RESIZE) resize?.write(data);
    else if (channel === CLOSE && data[0] === STDIN) stdin?.end();
  });
  client.once('close', () => stdin?.end());
  // That a channel is open is told by nothing in it.
  for (const channel of [...(wanted.stdout ? [STDOUT] : []), ...(wanted.stderr ? [STDERR] : []), ERROR]) {
    await wire.send(channel, Buffer.alloc(0)).catch(() => {});
  }
  client.resume();
  const remote: Remote = {
    stdin,
    resize,
    stdout: wanted.stdout ? wire.channel(STDOUT) : undefined,
    stderr: wanted.stderr ? wire.channel(STDERR) : undefined,
    gone,
  };
  const outcome = await run(remote).catch((thrown) => failed(thrown, what));
  const isStatus = /^v[45]/.test(protocol);
  const text = isStatus ? JSON.stringify(outcome) : outcome.status === 'Success' ? '' : (outcome.message ?? '');
  if (text !== '') await wire.send(ERROR, Buffer.from(text)).catch(() => {});
  client.close(1000);
}

function accept(request: http.IncomingMessage, socket: Duplex, head: Buffer, protocol: string): Promise<WebSocket> {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: () => protocol || false,
  });
  return new Promise((resolve) => {
    server.handleUpgrade(request, socket, head, (client) => {
      client.pause();
      resolve(client);
    });
  });
}

class Wire {
  readonly #client: WebSocket;
  readonly #encoded: boolean;

  constructor(client: WebSocket, encoded: boolean) {
    this.#client = client;
    this.#encoded = encoded;
  }

  read(message: Buffer): [channel: number, data: Buffer] {
    if (!this.#encoded) return [message[0] ?? -1, message.subarray(1)];
    return [Number(message.toString('latin1', 0, 1)), Buffer.from(message.toString('latin1', 1), 'base64')];
  }

  /** Resolves when it is out. @throws Error when the client is gone */
  send(channel: number, data: Buffer): Promise<void> {
    const message = this.#encoded ? `${channel}${data.toString('base64')}` : Buffer.concat([Buffer.of(channel), data]);
    return new Promise((resolve, reject) => {
      this.#client.send(message, (error) => (error ? reject(error) : resolve()));
    });
  }

  channel(number: number): Writable {
    return new Writable({ write: (chunk: Buffer, _, done) => void this.send(number, chunk).then(() => done(), done) });
  }
}
