/**
 * A request for another protocol passed on to a backend that speaks it. Once both sides have switched, bytes go both
 * ways as they are (apimachinery/pkg/util/proxy/upgradeaware.go tryUpgrade).
 */
import type http from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { badRequest, StatusError } from '@keelson/api/errors';
import type { RequestContext } from '../context.ts';
import type { Upgrade } from '../http/exchange.ts';
import { type Backend, reasonOf } from './backend.ts';
import type { Forwarding } from './forward.ts';
import { forwardedHeaders } from './headers.ts';
import { throttled } from './throttle.ts';

/** A connection on which nothing happens for so long is given up (as kubelets do). */
const STREAM_IDLE_MS = 4 * 60 * 60 * 1000;
/** For the answer of a backend that does not switch. */
const REFUSAL_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;
/** For what is on its way when a side ends. */
const LINGER_MS = 1000;

/** @throws StatusError 400 for a request that asks for no other protocol */
export function upgradeOf(ctx: RequestContext): Upgrade {
  const upgrade = ctx.exchange.upgrade?.();
  if (!upgrade) throw badRequest('Upgrade request required');
  return upgrade;
}

/**
 * @param extraHeaders in the place of the client's own, and besides them
 * @throws StatusError 500 when the backend can't be reached or answers strangely
 */
export async function forwardUpgrade(
  ctx: RequestContext,
  backend: Backend,
  forwarding: Forwarding,
  extraHeaders: http.OutgoingHttpHeaders = {},
): Promise<void> {
  const upgrade = upgradeOf(ctx);
  const own = forwardedHeaders(ctx, { requestHeader: forwarding.requestHeader, isUpgrade: true });
  const headers = { ...own, ...extraHeaders };
  const found = await dialUpgrade(ctx, backend, forwarding, ctx.exchange.method, headers);
  if (!found.socket) return passRefusal(ctx, found.answer);
  upgrade.switchProtocols(found.answer.rawHeaders);
  await join(forwarding, upgrade, upgrade.socket, found.socket, found.head);
}

export type Switched =
  | { readonly answer: http.IncomingMessage; readonly socket: Duplex; readonly head: Buffer }
  | { readonly answer: http.IncomingMessage; readonly socket?: undefined };

/** @returns the backend's connection, or its refusal. @throws StatusError 500 */
export function dialUpgrade(
  ctx: RequestContext,
  backend: Backend,
  { pool }: Forwarding,
  method: string,
  headers: http.OutgoingHttpHeaders,
): Promise<Switched> {
  return new Promise((resolve, reject) => {
    const fail = (message: string) => reject(new StatusError(500, '', message));
    const request = pool.request(backend, { method, headers, isUpgrade: true });
    let isConnected = false;
    request.on('socket', (socket) => {
      socket.once(backend.scheme === 'https' ? 'secureConnect' : 'connect', () => {
        isConnected = true;
      });
    });
    request.on('error', (error) => {
      if (isConnected) fail('unexpected EOF');
      else fail(`error dialing backend: ${reasonOf(error, backend)}`);
    });
    request.on('upgrade', (answer, socket, head) => resolve({ answer, socket, head }));
    request.on('response', (answer) => {
      const status = answer.statusCode ?? 0;
      if (status >= 400) return resolve({ answer });
      answer.destroy();
      fail(`invalid upgrade response: status code ${status}`);
    });
    ctx.exchange.onClose(() => request.destroy());
    request.end();
  });
}

/** The backend's own words, then the end of the connection. */
export async function passRefusal({ exchange }: RequestContext, answer: http.IncomingMessage): Promise<void> {
  const { connection: _, 'transfer-encoding': __, 'keep-alive': ___, ...headers } = answer.headers;
  const passed = Object.entries(headers).filter(
    (entry): entry is [string, string | string[]] => entry[1] !== undefined,
  );
  const out = exchange.begin(answer.statusCode ?? 500, Object.fromEntries(passed));
  await pipeline(answer, out, { signal: AbortSignal.timeout(REFUSAL_TIMEOUT_MS) }).catch(() => exchange.abort());
}

/** Bytes both ways until one side ends, is silent for too long, or the server shuts down. */
export async function join(
  forwarding: Forwarding,
  upgrade: Upgrade,
  client: Duplex,
  backend: Duplex,
  backendHead: Buffer,
): Promise<void> {
  const sockets = [upgrade.socket, backend];
  const cut = () => {
    for (const stream of [client, ...sockets]) stream.destroy();
  };
  const unregister = forwarding.register(cut);
  const touch = idleTimer(cut);
  for (const stream of [client, backend]) {
    stream.on('data', touch.reset);
    stream.pause();
  }
  for (const socket of sockets) keepAlive(socket);
  if (backendHead.length > 0) backend.unshift(backendHead);
  if (upgrade.head.length > 0 && client === upgrade.socket) client.unshift(upgrade.head);
  const { bytesPerSecond } = forwarding;
  await Promise.race([copy(client, backend, bytesPerSecond), copy(backend, client, bytesPerSecond)]);
  // One direction is over, and with it the other. What was said last still goes out: no sudden end.
  for (const stream of [client, backend]) stream.unpipe().resume().end();
  await Promise.race([Promise.all([closed(client), closed(backend)]), delay(LINGER_MS)]);
  touch.stop();
  unregister();
  cut();
}

function copy(from: Duplex, to: Duplex, bytesPerSecond: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    from.on('error', () => from.destroy());
    const paced = throttled(from, bytesPerSecond).once('close', resolve);
    to.once('finish', resolve);
    paced.pipe(to);
  });
}

function closed(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) resolve();
    else stream.once('close', resolve);
  });
}

function keepAlive(socket: Duplex): void {
  (socket as Partial<import('node:net').Socket>).setKeepAlive?.(true, KEEP_ALIVE_MS);
}

/** One timer however often it is touched. */
export function idleTimer(expired: () => void): { reset: () => void; stop: () => void } {
  const timer = setTimeout(expired, STREAM_IDLE_MS).unref();
  return { reset: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}
