/** A request passed on to a backend, and its answer passed back (apimachinery/pkg/util/proxy/upgradeaware.go). */
import type http from 'node:http';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import { serviceUnavailable } from '@keelson/api/errors';
import type { RequestContext } from '../context.ts';
import { commonHeaders } from '../handlers/send.ts';
import { headerOf } from '../http/answer.ts';
import type { ResponseHeaders } from '../http/exchange.ts';
import { type Backend, type BackendPool, escapePath, reasonOf, targetOf } from './backend.ts';
import { answeredHeaders, type ForwardOptions, forwardedHeaders } from './headers.ts';
import { htmlRewriter, joined, type Links, rewriteLink } from './rewrite.ts';

export interface Forwarding {
  readonly pool: BackendPool;
  readonly requestHeader: ForwardOptions['requestHeader'];
  /** Something that a shutdown ends. @returns what to call when it has ended by itself */
  readonly register: (end: () => void) => () => void;
  /** How fast each direction of a connection that switched protocols may be; undefined or 0: without limit. */
  readonly bytesPerSecond?: number | undefined;
}

/** What is particular to a request. */
export interface ForwardExtras {
  /** In the place of the client's own, and besides them. */
  readonly headers?: http.OutgoingHttpHeaders;
  /** Answers that lead elsewhere become errors. */
  readonly rejectsRedirects?: boolean;
  /** For the whole answer. */
  readonly timeoutMs?: number;
}

const TOO_LATE = new Error('context deadline exceeded');
const CORS_HEADERS = ['credentials', 'headers', 'methods', 'origin'].map((what) => `access-control-allow-${what}`);

/** @throws StatusError 503 when the backend can't be reached */
export async function forward(
  ctx: RequestContext,
  target: Backend,
  forwarding: Forwarding,
  extras: ForwardExtras = {},
): Promise<void> {
  const { exchange, info } = ctx;
  const backend = { ...target, query: queryOf(exchange.url) };
  if (backend.path === '' && (exchange.method === 'GET' || exchange.method === 'HEAD')) return redirectToRoot(ctx);

  const prefix = withoutSuffix(info.path, backend.path);
  const headers = forwardedHeaders(ctx, { requestHeader: forwarding.requestHeader, isUpgrade: false });
  headers['x-forwarded-uri'] = headerText(joined(prefix, escapePath(backend.path) || '/'));
  if (hasUnsizedBody(ctx)) headers['transfer-encoding'] = 'chunked';
  Object.assign(headers, extras.headers);
  let request: http.ClientRequest | undefined;
  const send = () => {
    request = forwarding.pool.request(backend, { method: exchange.method, headers });
    return request;
  };
  let isOver = false;
  const end = (reason?: Error) => {
    isOver = true;
    request?.destroy(reason);
  };
  const unregister = forwarding.register(end);
  exchange.onClose(end);
  const timer = extras.timeoutMs === undefined ? undefined : setTimeout(end, extras.timeoutMs, TOO_LATE);
  try {
    const answer = await exchanged(ctx, send, () => isOver, backend);
    if (extras.rejectsRedirects && leadsElsewhere(answer)) return rejectRedirect(ctx, answer);
    const links = { prefix, backendHost: targetOf(backend), clientHost: clientHostOf(ctx) };
    await passBack(ctx, answer, links);
  } finally {
    clearTimeout(timer);
    unregister();
  }
}

function leadsElsewhere({ statusCode = 0, headers }: http.IncomingMessage): boolean {
  return statusCode >= 300 && statusCode <= 399 && (headers.location ?? '') !== '';
}

function rejectRedirect(ctx: RequestContext, answer: http.IncomingMessage): void {
  answer.destroy();
  const headers = { ...commonHeaders(ctx), 'content-type': 'text/plain; charset=utf-8' };
  ctx.exchange.respond(502, headers, 'the backend attempted to redirect this request, which is not permitted');
}

/** Relative links would lead astray without the slash. */
function redirectToRoot(ctx: RequestContext): void {
  const query = queryOf(ctx.exchange.url);
  const location = `${escapePath(ctx.info.path)}/${query === '' ? '' : `?${query}`}`;
  ctx.exchange.respond(301, { ...commonHeaders(ctx), location });
}

/**
 * Backends close connections on which nothing happens, now and then just when one is used again. What asks for something
 * and has no body is sent once more then (net/http does so too).
 */
async function exchanged(
  ctx: RequestContext,
  send: () => http.ClientRequest,
  isOver: () => boolean,
  backend: Backend,
): Promise<http.IncomingMessage> {
  const { method, hasBody } = ctx.exchange;
  const request = send();
  try {
    return await answerTo(ctx, request);
  } catch (error) {
    const isIdempotent = !hasBody && IDEMPOTENT.includes(method);
    const isOutdated = request.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
    if (!isIdempotent || !isOutdated || isOver()) throw unreachable(error, backend);
  }
  try {
    return await answerTo(ctx, send());
  } catch (error) {
    throw unreachable(error, backend);
  }
}

const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS'];

function unreachable(error: unknown, backend: Backend): Error {
  return serviceUnavailable(`error trying to reach service: ${reasonOf(error, backend)}`);
}

/** Sends the body while it waits: a backend may answer before it has read everything. */
function answerTo({ exchange }: RequestContext, request: http.ClientRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
    if (exchange.hasBody) exchange.body.on('error', () => request.destroy()).pipe(request);
    else request.end();
  });
}

async function passBack(ctx: RequestContext, answer: http.IncomingMessage, links: Links): Promise<void> {
  const { exchange } = ctx;
  const headers = passedHeaders(ctx, answer);
  const contentType = headerOf(answer.headers, 'content-type');
  const encoding = headerOf(answer.headers, 'content-encoding');
  const isRewritten =
    answer.headers.location === undefined &&
    contentType.split(';')[0]!.trim() === 'text/html' &&
    Object.hasOwn(CODINGS, encoding) &&
    exchange.method !== 'HEAD';
  if (answer.headers.location !== undefined) headers.location = rewriteLink(answer.headers.location, links);
  if (isRewritten) delete headers['content-length'];
  const out = exchange.begin(answer.statusCode ?? 502, headers);
  const count = (chunk: Buffer) => {
    exchange.bytesSent += chunk.length;
  };
  answer.on('data', count).pause();
  try {
    if (!isRewritten) await pipeline(answer, out);
    else {
      const [unpack, pack] = CODINGS[encoding]!;
      await pipeline([answer, ...unpack(), ...htmlRewriter(contentType, links), ...pack(), out]);
    }
  } catch {
    // Either side has gone in the middle: the answer has begun, so that only its breaking off tells the other.
    exchange.abort();
  }
}

/** How HTML is packed that can be rewritten. */
const CODINGS: Readonly<Record<string, readonly [() => NodeJS.ReadWriteStream[], () => NodeJS.ReadWriteStream[]]>> = {
  '': [() => [], () => []],
  gzip: [() => [zlib.createGunzip()], () => [zlib.createGzip()]],
  deflate: [() => [zlib.createInflateRaw()], () => [zlib.createDeflateRaw()]],
};

/** This server's own headers come first; the backend's are added to them. */
function passedHeaders(ctx: RequestContext, answer: http.IncomingMessage): ResponseHeaders {
  const headers = commonHeaders(ctx);
  for (const [name, value] of Object.entries(answeredHeaders(answer.headers))) {
    if (CORS_HEADERS.includes(name)) continue;
    headers[name] = headers[name] === undefined ? value : [headers[name], value].flat().map(String);
  }
  return headers;
}

function hasUnsizedBody({ exchange }: RequestContext): boolean {
  return exchange.hasBody && exchange.headers['content-length'] === undefined;
}

function clientHostOf({ exchange }: RequestContext): string {
  return headerOf(exchange.headers, 'host') || headerOf(exchange.headers, ':authority');
}

/** What a client asks with, without the question mark. */
export function queryOf(url: string): string {
  const mark = url.indexOf('?');
  return mark < 0 ? '' : url.slice(mark + 1);
}

function withoutSuffix(path: string, suffix: string): string {
  return suffix !== '' && path.endsWith(suffix) ? path.slice(0, -suffix.length) : path;
}

/** A decoded path as a header: its bytes, with line ends as spaces. */
function headerText(text: string): string {
  return Buffer.from(text.replace(/[\p{Cc}]/gu, ' ')).toString('latin1');
}
