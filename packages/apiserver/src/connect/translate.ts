/**
 * exec and attach over a websocket with `v5.channel.k8s.io`, for kubelets that speak SPDY alone: each message's first
 * byte names a channel, each channel is a stream there (apiserver/pkg/util/proxy/streamtranslator.go, websocket.go).
 */
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { internalError, type Status, StatusError } from '@keelson/api/errors';
import type { PodAttachOptions } from '@keelson/api/generated/types/core/v1';
import { heardLater } from '@keelson/component/promises';
import { SpdySession, type SpdyStream } from '@keelson/component/spdy/session';
import type { WebSocket } from 'ws';
import type { RequestContext } from '../context.ts';
import type { Upgrade } from '../http/exchange.ts';
import { type Backend, reasonOf, targetOf } from './backend.ts';
import type { Forwarding } from './forward.ts';
import { outcomeOf } from './outcome.ts';
import { throttled, throttledInto } from './throttle.ts';
import { idleTimer } from './upgrade.ts';
import { acceptWebSocket, isWebSocket, offeredProtocols, send } from './websocket.ts';

const PROTOCOL = 'v5.channel.k8s.io';
/** What kubelets are offered, the best first. */
const SPDY_PROTOCOLS = [PROTOCOL, 'v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'];
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
/** Followed by the number of a channel of which no more will come. */
const CLOSE = 255;
const PING_INTERVAL_MS = 5000;

/** Which streams there are. */
type Wanted = Pick<PodAttachOptions, 'stdin' | 'stdout' | 'stderr' | 'tty'>;

interface Streams {
  readonly error: SpdyStream;
  readonly stdin: SpdyStream | undefined;
  readonly stdout: SpdyStream | undefined;
  readonly stderr: SpdyStream | undefined;
  readonly resize: SpdyStream | undefined;
}

export function wantsTranslation({ request }: Upgrade): boolean {
  return isWebSocket(request) && offeredProtocols(request).includes(PROTOCOL);
}

/** Whatever goes wrong behind the handshake is said on the error channel. */
export async function translate(
  ctx: RequestContext,
  upgrade: Upgrade,
  backend: Backend,
  wanted: Wanted,
  forwarding: Forwarding,
): Promise<void> {
  const client = await acceptWebSocket(upgrade, PROTOCOL);
  if (!client) return;
  const idle = idleTimer(() => client.terminate());
  const unregister = forwarding.register(() => client.terminate());
  client.on('error', () => client.terminate()).on('message', idle.reset);
  try {
    // The client learns that the connection stands.
    await send(client, Buffer.of(wanted.stdout ? STDOUT : wanted.stderr ? STDERR : ERROR));
    const status = await run(ctx, client, backend, wanted, forwarding, idle.reset).catch(failureOf);
    await send(client, Buffer.concat([Buffer.of(ERROR), Buffer.from(JSON.stringify(status))]));
  } catch {
    // The client has gone.
  }
  client.resume();
  client.close(1000);
  idle.stop();
  unregister();
}

/** @returns the Status with which the command ended. @throws what the connection to the kubelet broke on */
async function run(
  ctx: RequestContext,
  client: WebSocket,
  backend: Backend,
  wanted: Wanted,
  { pool, bytesPerSecond }: Forwarding,
  touched: () => void,
): Promise<object> {
  const { session, protocol } = await dial(ctx, backend, pool);
  const end = () => session.close();
  ctx.exchange.onClose(end);
  try {
    const streams = await open(session, wanted);
    receive(client, streams, bytesPerSecond);
    const message = heardLater(text(streams.error));
    await Promise.all([
      passOut(client, STDOUT, streams.stdout, bytesPerSecond, touched),
      passOut(client, STDERR, streams.stderr, bytesPerSecond, touched),
    ]);
    return outcomeOf(await message, protocol === PROTOCOL || protocol === 'v4.channel.k8s.io');
  } finally {
    end();
  }
}

function dial(
  { exchange }: RequestContext,
  backend: Backend,
  pool: Forwarding['pool'],
): Promise<{ session: SpdySession; protocol: string }> {
  return new Promise((resolve, reject) => {
    const request = pool.request(backend, {
      method: 'POST',
      isUpgrade: true,
      headers: {
        host: targetOf(backend),
        'user-agent': 'kube-apiserver',
        'content-length': '0',
        connection: 'Upgrade',
        upgrade: 'SPDY/3.1',
        'x-stream-protocol-version': SPDY_PROTOCOLS,
      },
    });
    exchange.onClose(() => request.destroy());
    request.on('error', (error) =>
      reject(new Error(`error sending request: Post ${urlOf(backend)}: ${reasonOf(error, backend)}`)),
    );
    request.on('response', (answer) => {
      if ((answer.statusCode ?? 0) >= 300 && (answer.statusCode ?? 0) < 400) {
        answer.destroy();
        reject(new Error('redirect not allowed'));
      } else text(answer).then((body) => reject(new Error(`unable to upgrade connection: ${refusalIn(body)}`)), reject);
    });
    request.on('upgrade', (answer, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      const session = new SpdySession(socket, { role: 'client', pingIntervalMs: PING_INTERVAL_MS });
      resolve({ session, protocol: String(answer.headers['x-stream-protocol-version'] ?? '') });
    });
    request.end();
  });
}

function urlOf(backend: Backend): string {
  const query = backend.query === '' ? '' : `?${backend.query}`;
  return JSON.stringify(`https://${targetOf(backend)}${backend.path}${query}`);
}

/** The message of a Status, or the text. */
function refusalIn(body: string): string {
  try {
    const { message, error } = JSON.parse(body) as { message?: string; error?: string };
    if (message?.trim() || error?.trim()) return (message?.trim() || error?.trim())!;
  } catch {
    // No JSON.
  }
  return body.trim() || 'empty server response';
}

/** All before anything is sent: the kubelet begins when it has them all. */
async function open(session: SpdySession, { stdin, stdout, stderr, tty }: Wanted): Promise<Streams> {
  const stream = (type: string) => session.open({ streamtype: type });
  return {
    error: await stream('error'),
    stdin: stdin ? await stream('stdin') : undefined,
    stdout: stdout ? await stream('stdout') : undefined,
    stderr: stderr && !tty ? await stream('stderr') : undefined,
    resize: tty ? await stream('resize') : undefined,
  };
}

/** What the client sends, no faster than the kubelet takes it. */
function receive(client: WebSocket, { error, stdin, resize }: Streams, bytesPerSecond: number | undefined): void {
  error.end();
  const inputs = new Map<number, Duplex | undefined>([
    [STDIN, stdin && throttledInto(stdin, bytesPerSecond)],
    [RESIZE, resize],
  ]);
  // The kubelet says with its end of stdin that nobody reads it any more.
  stdin?.on('end', () => stdin.end()).resume();
  client.on('message', (message: Buffer) => {
    const [channel] = message;
    if (channel === undefined) return;
    if (channel === CLOSE) {
      inputs.get(message[1] ?? CLOSE)?.end();
      return;
    }
    const input = inputs.get(channel);
    if (!input?.writable || message.length === 1) return;
    if (!input.write(message.subarray(1))) client.pause();
  });
  for (const input of inputs.values()) input?.on('drain', () => client.resume()).on('close', () => client.resume());
  client.resume();
}

async function passOut(
  client: WebSocket,
  channel: number,
  stream: SpdyStream | undefined,
  bytesPerSecond: number | undefined,
  touched: () => void,
): Promise<void> {
  if (!stream) return;
  stream.end();
  for await (const chunk of throttled(stream, bytesPerSecond)) {
    touched();
    await send(client, Buffer.concat([Buffer.of(channel), chunk as Buffer]));
  }
}

function failureOf(error: unknown): Omit<Status, 'kind' | 'apiVersion'> {
  const failure = error instanceof StatusError ? error : internalError((error as Error).message);
  const { kind: _, apiVersion: __, ...status } = failure.toStatus();
  return status;
}
