/**
 * Streams of exec, attach and port-forward over a websocket: each message's first byte is the number of its channel. In the
 * protocols with base64 in their names it is a digit, and the rest is encoded (k8s.io/apimachinery/pkg/util/httpstream/wsstream).
 */
import type http from 'node:http';
import { type Duplex, PassThrough, type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ended } from '@keelson/component/promises';
import { HttpError } from '@keelson/component/serving/server';
import { type WebSocket, WebSocketServer } from 'ws';
import { failed, portFailure, type Remote, type ServeCommand, type ServePortForward, textOf } from './exec.ts';

const [STDIN, STDOUT, STDERR, ERROR, RESIZE] = [0, 1, 2, 3, 4] as const;
/** In v5, before the number of a channel of which no more comes. */
const CLOSE = 255;
const COMMANDS = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
];
const PORT_FORWARD = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'];
const PORT_BYTES = 2;
const MAX_PORT = 65_535;
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

export function isWebSocket({ headers }: http.IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/** Whether the client may close its stdin, which all of v5 is about. */
export const closesStreams = (request: http.IncomingMessage): boolean => offered(request).includes(COMMANDS[0]!);

/** How a command ended goes out on the channel of errors. @throws HttpError 403 when none of the offered protocols is known */
export const serveCommand: ServeCommand = async (request, socket, head, wanted, what, run) => {
  const protocol = choose(request, COMMANDS);
  const client = await accept(request, socket, head, protocol);
  const wire = new Wire(client, protocol.includes('base64'));
  const stdin = wanted.stdin ? new PassThrough() : undefined;
  const resize = wanted.tty ? new PassThrough() : undefined;
  const gone = new Promise<void>((resolve) => client.once('close', () => resolve()));
  client.on('message', (message: Buffer) => {
    const [channel, data] = wire.read(message);
    if (channel === STDIN && stdin) wire.passIn(data, stdin);
    else if (channel === RESIZE) resize?.write(data);
    else if (channel === CLOSE && data[0] === STDIN) stdin?.end();
  });
  client.once('close', () => stdin?.end());
  // That a channel is open is told by nothing in it.
  for (const channel of [...(wanted.stdout ? [STDOUT] : []), ...(wanted.stderr ? [STDERR] : []), ERROR]) {
    await ended(wire.send(channel, Buffer.alloc(0)));
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
  const text = textOf(outcome, protocol);
  if (text !== '') await ended(wire.send(ERROR, Buffer.from(text)));
  client.close(1000);
};

/**
 * Connections to the ports that the request names, each on two channels: one for data, one for what goes wrong. What comes
 * first on both is the port's number (k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go).
 * @throws HttpError 400 when it names none, or what is no port
 */
export const servePortForward: ServePortForward = async (request, socket, head, pod, dial) => {
  const ports = portsOf(new URL(request.url ?? '', 'http://kubelet').searchParams.getAll('port'));
  const protocol = choose(request, PORT_FORWARD);
  const client = await accept(request, socket, head, protocol);
  const wire = new Wire(client, protocol.includes('base64'));
  const incoming = ports.map(() => new PassThrough());
  const gone = new Promise<void>((resolve) => client.once('close', () => resolve()));
  client.on('message', (message: Buffer) => {
    const [channel, data] = wire.read(message);
    const stream = channel % 2 === 0 ? incoming[channel / 2] : undefined;
    if (stream) wire.passIn(data, stream);
  });
  for (const [i, port] of ports.entries()) {
    const number = Buffer.alloc(PORT_BYTES);
    number.writeUInt16LE(port);
    for (const channel of [2 * i, 2 * i + 1]) await ended(wire.send(channel, number));
  }
  client.resume();
  const forward = async (port: number, i: number) => {
    try {
      await join(await dial(port), incoming[i]!, wire.channel(2 * i), gone);
    } catch (error) {
      await ended(wire.send(2 * i + 1, Buffer.from(portFailure(port, pod, error))));
    }
    incoming[i]!.resume();
  };
  await Promise.all(ports.map(forward));
  client.close(1000);
};

/** Until the backend has nothing more to say, or the client is gone. */
async function join(backend: Duplex, incoming: Readable, outgoing: Writable, gone: Promise<void>): Promise<void> {
  void gone.then(() => backend.destroy());
  incoming.pipe(backend);
  await ended(pipeline(backend, outgoing));
  backend.destroy();
}

/** @throws HttpError 400 */
function portsOf(values: readonly string[]): number[] {
  if (values.length === 0) throw new HttpError(400, 'query parameter "port" is required');
  return values.flatMap((value) => {
    if (value === '') throw new HttpError(400, 'query parameter "port" cannot be empty');
    return value.split(',').map((text) => {
      const port = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
      if (port === 0) throw new HttpError(400, `port ${JSON.stringify(value)} must be > 0`);
      if (port <= MAX_PORT) return port;
      const why = Number.isNaN(port) ? 'invalid syntax' : 'value out of range';
      const parsing = `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`;
      throw new HttpError(400, `unable to parse ${JSON.stringify(value)} as a port: ${parsing}`);
    });
  });
}

/** Subprotocols that the client offers, in its order. */
export function offered({ headers }: http.IncomingMessage): string[] {
  const text = headers['sec-websocket-protocol'] ?? '';
  return text === '' ? [] : text.split(',').map((each) => each.trim());
}

/** The best that both know; none where none is offered. @throws HttpError 403 where they share none */
function choose(request: http.IncomingMessage, known: readonly string[]): string {
  const given = offered(request);
  const chosen = known.find((each) => given.includes(each)) ?? (given.length === 0 ? '' : undefined);
  if (chosen === undefined) throw new HttpError(403, '');
  return chosen;
}

/** @param protocol chosen among those offered; empty for none @returns paused */
export function accept(
  request: http.IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocol: string,
): Promise<WebSocket> {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  // The library does not know subprotocols with a slash in their name: they are negotiated here.
  const { 'sec-websocket-protocol': _, ...headers } = request.headers;
  request.headers = headers;
  if (protocol !== '') server.on('headers', (lines) => lines.push(`Sec-WebSocket-Protocol: ${protocol}`));
  return new Promise((resolve) => {
    server.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => client.terminate());
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

  /** Nothing more comes while the stream is full. */
  passIn(data: Buffer, stream: Writable): void {
    if (stream.write(data)) return;
    this.#client.pause();
    stream.once('drain', () => this.#client.resume());
  }

  /** Resolves when it is out. @throws Error when the client is gone: whoever sends has then nothing more to do */
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
