/** Streams of exec, attach and port-forward over SPDY/3.1, of which each says by a header what it is for. */
import type http from 'node:http';
import type { Duplex } from 'node:stream';
import { HttpError } from '@keelson/component/serving/server';
import { SpdySession, type SpdyStream } from '@keelson/component/spdy/session';
import { failed, portFailure, type ServeCommand, type ServePortForward, textOf } from './exec.ts';

/** The best first. The first one has no name of its own. */
const COMMANDS = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io', ''];
const PORT_FORWARD = 'portforward.k8s.io';
const PROTOCOL_HEADER = 'x-stream-protocol-version';
/** For a client to open the streams that it asked for. */
const STREAMS_TIMEOUT_MS = 30_000;

export function isSpdy({ headers }: http.IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'spdy/3.1';
}

/** The protocols that a request offers. */
function offered({ headers }: http.IncomingMessage): string[] {
  return [headers[PROTOCOL_HEADER] ?? []].flat().flatMap((value) => value.split(',').map((each) => each.trim()));
}

function accept(socket: Duplex, head: Buffer, protocol: string): void {
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1'];
  if (protocol !== '') lines.push(`X-Stream-Protocol-Version: ${protocol}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
}

/** @throws HttpError 403 when none of the offered protocols is known */
function choose(given: readonly string[], known: readonly string[]): string {
  if (given.length === 0) return known.at(-1)!;
  const chosen = known.find((protocol) => given.includes(protocol));
  if (chosen === undefined) {
    throw new HttpError(
      403,
      `unable to upgrade: unable to negotiate protocol: client supports [${given.join(' ')}], server accepts [${known.join(' ')}]`,
    );
  }
  return chosen;
}

/** How a command ended goes out on the error stream. @throws HttpError 403 when none of the offered protocols is known */
export const serveCommand: ServeCommand = async (request, socket, head, wanted, what, run) => {
  const protocol = choose(offered(request), COMMANDS);
  accept(socket, head, protocol);
  const arrived = new Map<string, SpdyStream>();
  const complete = Promise.withResolvers<void>();
  const types = [
    'error',
    ...(wanted.stdin ? ['stdin'] : []),
    ...(wanted.stdout ? ['stdout'] : []),
    ...(wanted.stderr ? ['stderr'] : []),
    ...(wanted.tty && /^v[34]/.test(protocol) ? ['resize'] : []),
  ];
  const session = new SpdySession(socket, {
    role: 'server',
    onStream: (stream) => {
      arrived.set(stream.headers.streamtype ?? '', stream);
      if (types.every((type) => arrived.has(type))) complete.resolve();
    },
  });
  const timer = setTimeout(
    () => complete.reject(new Error('timed out waiting for client to create streams')),
    STREAMS_TIMEOUT_MS,
  );
  session.closed.then(() => complete.reject(new Error('the client has gone')));
  try {
    await complete.promise;
  } catch {
    session.close();
    return;
  } finally {
    clearTimeout(timer);
  }
  const [error, stdin, stdout, stderr, resize] = ['error', 'stdin', 'stdout', 'stderr', 'resize'].map((type) =>
    arrived.get(type),
  );
  const outcome = await run({ stdin, stdout, stderr, resize, gone: session.closed }).catch((thrown) =>
    failed(thrown, what),
  );
  for (const stream of [stdout, stderr]) stream?.end();
  error?.end(textOf(outcome, protocol));
  await Promise.all([stdout, stderr, error].map((stream) => stream && flushed(stream)));
  session.close();
};

function flushed(stream: SpdyStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableFinished || stream.destroyed) resolve();
    else stream.once('finish', resolve).once('close', resolve);
  });
}

/** @throws HttpError 403 when this is not the protocol that is offered */
export const servePortForward: ServePortForward = async (request, socket, head, pod, dial) => {
  accept(socket, head, choosePortForward(offered(request)));
  await forwardPorts(socket, pod, dial);
};

/** @throws HttpError 403 when it is not among those offered */
export const choosePortForward = (given: readonly string[]): string => choose(given, [PORT_FORWARD]);

/**
 * Connections to ports, each a pair of streams with the same request id: one for data, one for what goes wrong. Resolves
 * when the connection is over.
 * @param socket already speaks SPDY
 */
export async function forwardPorts(
  socket: Duplex,
  pod: string,
  dial: (port: number) => Promise<Duplex>,
): Promise<void> {
  const pairs = new Map<string, { data?: SpdyStream; error?: SpdyStream }>();
  const session = new SpdySession(socket, {
    role: 'server',
    onStream: (stream) => {
      const { streamtype = '', requestid, port = '' } = stream.headers;
      const key = requestid ?? (streamtype === 'error' ? `${stream.id}` : `${stream.id - 2}`);
      const pair = pairs.get(key) ?? {};
      pairs.set(key, pair);
      // What is closed alone has no use for another one.
      const forget = () => {
        if (pairs.get(key) === pair) pairs.delete(key);
      };
      stream.once('reset', forget).once('close', forget);
      if (streamtype === 'error') pair.error = stream;
      else pair.data = stream;
      if (!pair.data || !pair.error) return;
      pairs.delete(key);
      void forward(pair.data, pair.error, Number(port), pod, dial);
    },
  });
  await session.closed;
}

async function forward(
  data: SpdyStream,
  error: SpdyStream,
  port: number,
  pod: string,
  dial: (port: number) => Promise<Duplex>,
): Promise<void> {
  try {
    if (!Number.isInteger(port) || port < 1 || port > 65535)
      throw new Error(`unable to parse ${JSON.stringify(String(port))} as a port`);
    const backend = await dial(port);
    const over = [data, backend].map((end) => new Promise<void>((resolve) => end.once('close', resolve)));
    backend.on('error', () => backend.destroy());
    data.pipe(backend).pipe(data);
    await Promise.race([...over, Promise.all([ended(data), ended(backend)])]);
    backend.destroy();
    error.end();
  } catch (thrown) {
    error.end(portFailure(port, pod, thrown));
    data.end();
  }
}

const ended = (stream: Duplex) => new Promise<void>((resolve) => stream.once('end', resolve));
