/** Answers on their way out: headers that all have, compression, chunks under back-pressure. */
import type { Writable } from 'node:stream';
import zlib from 'node:zlib';
import { quote } from '@keelson/api/field';
import type { RequestContext } from '../context.ts';
import { headerOf } from '../http/answer.ts';
import type { Exchange, ResponseHeaders } from '../http/exchange.ts';

/** Smaller answers are not worth compressing (upstream's defaultGzipThresholdBytes). */
const GZIP_THRESHOLD_BYTES = 128 * 1024;
const GZIP_LEVEL = 1;

export function commonHeaders(ctx: RequestContext): ResponseHeaders {
  const headers: ResponseHeaders = { 'audit-id': ctx.auditId, 'cache-control': 'no-cache, private' };
  if (ctx.warnings.length > 0) headers.warning = ctx.warnings.map((text) => `299 - ${quoteForHeader(text)}`);
  return headers;
}

export async function sendWhole(
  ctx: RequestContext,
  status: number,
  headers: ResponseHeaders,
  body: Buffer,
): Promise<void> {
  if (body.length > GZIP_THRESHOLD_BYTES && acceptsGzip(ctx)) {
    const zipped = await new Promise<Buffer>((resolve, reject) =>
      zlib.gzip(body, { level: GZIP_LEVEL }, (error, result) => (error ? reject(error) : resolve(result))),
    );
    ctx.exchange.respond(status, { ...commonHeaders(ctx), ...headers, ...GZIPPED }, zipped);
  } else ctx.exchange.respond(status, { ...commonHeaders(ctx), ...headers }, body);
}

/**
 * Writes a body chunk by chunk, never further ahead than the connection's buffer.
 * @param estimate bytes to come, about
 */
export async function sendChunks(
  ctx: RequestContext,
  status: number,
  headers: ResponseHeaders,
  chunks: Iterable<Buffer>,
  estimate: number,
): Promise<void> {
  const zipped = estimate > GZIP_THRESHOLD_BYTES && acceptsGzip(ctx);
  const out = ctx.exchange.begin(status, { ...commonHeaders(ctx), ...headers, ...(zipped ? GZIPPED : {}) });
  if (ctx.exchange.method === 'HEAD') {
    out.end();
    return;
  }
  const target: Writable = zipped ? zlib.createGzip({ level: GZIP_LEVEL }) : out;
  if (zipped) (target as zlib.Gzip).pipe(out);
  const drained = drainOf(target, ctx.exchange);
  for (const chunk of chunks) {
    if (ctx.exchange.closed) {
      target.destroy();
      return;
    }
    ctx.exchange.bytesSent += chunk.length;
    if (!target.write(chunk)) await drained();
  }
  target.end();
}

/** @returns what resolves when more may be written, or nobody is there to read it */
function drainOf(target: Writable, exchange: Exchange): () => Promise<void> {
  let wake: (() => void) | undefined;
  const onWake = (): void => wake?.();
  target.on('drain', onWake);
  exchange.onClose(onWake);
  return async () => {
    if (exchange.closed) return;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  };
}

const GZIPPED = { 'content-encoding': 'gzip', vary: 'Accept-Encoding' };

function acceptsGzip(ctx: RequestContext): boolean {
  return headerOf(ctx.exchange.headers, 'accept-encoding').includes('gzip');
}

/** A quoted-string of RFC 9110 as apimachinery's NewWarningHeader writes it: control characters go. */
function quoteForHeader(text: string): string {
  return Buffer.from(quote(text.replace(/[\p{Cc}]/gu, ''))).toString('latin1');
}
