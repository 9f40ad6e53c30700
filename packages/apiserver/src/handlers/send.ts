/** Answers on their way out: headers that all have, compression, chunks under back-pressure. */
import { pipeline as pipe, Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import zlib from 'node:zlib';
import type { RequestContext } from '../context.ts';
import type { PathAnswer } from '../http/answer.ts';
import { ChunkWriter } from '../http/chunks.ts';
import { namesGzip } from '../http/compression.ts';
import type { Exchange, ResponseHeaders } from '../http/exchange.ts';
import { warningHeaders } from '../http/warnings.ts';
import { slices } from '../pieces.ts';
import type { Body } from './representation.ts';
import { type SharedBody, SharedLists } from './shared-lists.ts';

/** Smaller answers are not worth compressing (upstream's defaultGzipThresholdBytes). */
const GZIP_THRESHOLD_BYTES = 128 * 1024;
const GZIP_LEVEL = 1;

/** That every answer to a request has. */
export function commonHeaders(ctx: RequestContext): ResponseHeaders {
  const headers: ResponseHeaders = {
    'audit-id': ctx.auditId,
    'cache-control': 'no-cache, private',
    ...ctx.flowHeaders,
  };
  if (ctx.warnings.length > 0) headers.warning = warningHeaders(ctx.warnings);
  return headers;
}

/** A body that is there as a whole; a large one is compressed for who takes that. Resolves when it has been handed on. */
export async function sendWhole(
  ctx: RequestContext,
  status: number,
  headers: ResponseHeaders,
  made: Body,
): Promise<void> {
  const body = Buffer.isBuffer(made) ? made : await slices.soon(made);
  if (isZipped(ctx, body.length)) {
    const zipped = await new Promise<Buffer>((resolve, reject) =>
      zlib.gzip(body, { level: GZIP_LEVEL }, (error, result) => (error ? reject(error) : resolve(result))),
    );
    return answer(ctx, status, { ...headers, ...GZIPPED }, zipped);
  }
  return answer(ctx, status, headers, body);
}

function isZipped({ exchange, isPlain }: RequestContext, bytes: number): boolean {
  return bytes > GZIP_THRESHOLD_BYTES && !isPlain && namesGzip(exchange.headers);
}

async function answer(
  ctx: RequestContext,
  status: number,
  headers: ResponseHeaders,
  body: Buffer | string,
): Promise<void> {
  if (ctx.beforeAnswered) await ctx.beforeAnswered(status);
  ctx.exchange.respond(status, { ...commonHeaders(ctx), ...headers }, body);
}

/** Of a path that is no resource. */
export async function sendAnswer(ctx: RequestContext, { status, headers, body }: PathAnswer): Promise<void> {
  const { exchange } = ctx;
  if (!(body instanceof Readable)) return answer(ctx, status, headers, body);
  const counted = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      exchange.bytesSent += chunk.length;
      yield chunk;
    }
  };
  await pipeline(body, counted, exchange.begin(status, { ...commonHeaders(ctx), ...headers })).catch(() =>
    exchange.abort(),
  );
}

/** How many items are written between two turns of the event loop, at most. */
const ITEMS_PER_TURN = 64;

/** One for the process: it bounds what all answers together hold. */
const shared = new SharedLists();

export interface ChunkedBody {
  /** Puts it into the chunks, yielding after each item. */
  readonly write: (out: ChunkWriter) => Iterable<void>;
  /** Bytes to come, about. */
  readonly estimate: number;
  /** The same for bodies that are the same, byte for byte; undefined: nothing is known of others. */
  readonly key?: string | undefined;
}

/** Writes a body chunk by chunk, never further ahead than the connection's buffer. */
export async function sendChunks(
  ctx: RequestContext,
  status: number,
  headers: ResponseHeaders,
  { write, estimate, key }: ChunkedBody,
): Promise<void> {
  const { exchange } = ctx;
  const zipped = isZipped(ctx, estimate);
  if (key !== undefined && exchange.method !== 'HEAD') {
    const common = shared.join(`${zipped} ${key}`, estimate, () => (zipped ? gzip(chunksOf(write)) : chunksOf(write)));
    if (common) return sendShared(ctx, status, { ...headers, ...(zipped ? GZIPPED : {}) }, common);
  }
  const body = exchange.begin(status, { ...commonHeaders(ctx), ...headers, ...(zipped ? GZIPPED : {}) });
  if (exchange.method === 'HEAD') {
    body.end();
    return;
  }
  const target: Writable = zipped ? zlib.createGzip({ level: GZIP_LEVEL }) : body;
  if (zipped) (target as zlib.Gzip).pipe(body);
  const drained = drainOf(target, exchange);
  const out = new ChunkWriter();
  /** @returns whether the event loop had a turn */
  const send = async (): Promise<boolean> => {
    let waited = false;
    for (let chunk = out.take(); chunk && !exchange.closed; chunk = out.take()) {
      const { bytes, release } = chunk;
      exchange.bytesSent += bytes.length;
      if (target.write(bytes, (error) => !error && release())) continue;
      await drained();
      waited = true;
    }
    return waited;
  };
  let items = 0;
  for (const _ of write(out)) {
    items++;
    if (out.waiting > 0 && (await send())) items = 0;
    if (items === ITEMS_PER_TURN) {
      items = 0;
      await nextTurn();
    }
    if (exchange.closed) break;
  }
  if (ctx.beforeAnswered) await ctx.beforeAnswered(status);
  out.flush();
  await send();
  if (exchange.closed) target.destroy();
  else target.end();
}

async function sendShared(
  ctx: RequestContext,
  status: number,
  headers: ResponseHeaders,
  common: SharedBody,
): Promise<void> {
  const { exchange } = ctx;
  const body = exchange.begin(status, { ...commonHeaders(ctx), ...headers });
  const drained = drainOf(body, exchange);
  for (let i = 0; !exchange.closed; i++) {
    const chunk = await common.chunkAt(i);
    if (!chunk) break;
    exchange.bytesSent += chunk.length;
    if (!body.write(chunk)) await drained();
  }
  if (ctx.beforeAnswered) await ctx.beforeAnswered(status);
  if (exchange.closed) body.destroy();
  else body.end();
}

async function* chunksOf(write: ChunkedBody['write']): AsyncIterable<Buffer> {
  const out = new ChunkWriter();
  let items = 0;
  for (const _ of write(out)) {
    for (let chunk = out.take(); chunk; chunk = out.take()) yield chunk.bytes;
    if (++items % ITEMS_PER_TURN === 0) await nextTurn();
  }
  out.flush();
  for (let chunk = out.take(); chunk; chunk = out.take()) yield chunk.bytes;
}

/** @returns what throws what the chunks do */
function gzip(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const source = Readable.from(chunks, { objectMode: false });
  return pipe(source, zlib.createGzip({ level: GZIP_LEVEL }), () => {});
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
