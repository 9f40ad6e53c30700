/** Request bodies: read with a limit, told apart by their media type. */
import { yamlThread } from '@keelson/api/codec/yaml-thread';
import { requestEntityTooLarge, StatusError } from '@keelson/api/errors';
import { headerOf } from '../http/answer.ts';
import type { Exchange } from '../http/exchange.ts';
import { bareType, mediaTypeOf, unknownFormat } from '../http/mediatype.ts';
import { MEDIA_TYPES, type MediaType } from '../http/negotiate.ts';
import { turns } from '../turns.ts';

/** 3 MiB, as upstream. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;
/** How long a client may take to send its body. */
const BODY_TIMEOUT_MS = 60_000;

/**
 * The body, when it is the request's turn to be worked on.
 * @throws StatusError 413 when it is larger than `limit` bytes, 504 when it does not come
 */
export async function readBody(exchange: Exchange, limit = MAX_BODY_BYTES): Promise<Buffer> {
  const body = await wholeBody(exchange, limit);
  if (yamlThread.takes(body) && isYaml(exchange)) await yamlThread.convert(body);
  await turns.take();
  return body;
}

const YAML = new Set(['application/yaml', 'application/apply-patch+yaml']);

function isYaml({ headers }: Exchange): boolean {
  return YAML.has(bareType(headerOf(headers, 'content-type')).toLowerCase());
}

async function wholeBody(exchange: Exchange, limit: number): Promise<Buffer> {
  if (Number(headerOf(exchange.headers, 'content-length') || 0) > limit) throw tooLarge(limit);
  const arrived = exchange.takeBody?.();
  if (!arrived) return untilWhole(exchange, limit);
  const body = arrived.length === 1 ? arrived[0]! : Buffer.concat(arrived);
  if (body.length > limit) throw tooLarge(limit);
  return body;
}

function untilWhole(exchange: Exchange, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const { body } = exchange;
    let isDone = false;
    const done = (finish: () => void): void => {
      if (isDone) return;
      isDone = true;
      clearTimeout(timer);
      body.removeListener('data', onData);
      body.removeListener('end', onEnd);
      finish();
    };
    const timer = setTimeout(
      () => done(() => reject(new StatusError(408, 'Timeout', 'the request body did not arrive in time'))),
      BODY_TIMEOUT_MS,
    );
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else {
        body.pause();
        done(() => reject(tooLarge(limit)));
      }
    };
    const onEnd = () => done(() => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
    body.on('data', onData);
    body.on('end', onEnd);
    exchange.onClose(() => done(() => reject(new StatusError(400, 'BadRequest', 'unexpected EOF'))));
  });
}

function tooLarge(limit: number): StatusError {
  return requestEntityTooLarge(`limit is ${limit}`);
}

/** The media type of the body; JSON where none is said. @throws StatusError 415 */
export function inputMediaType(exchange: Exchange): MediaType {
  const header = headerOf(exchange.headers, 'content-type');
  if (header === '') return 'application/json';
  const type = mediaTypeOf(header);
  const known = MEDIA_TYPES.find((m) => m === type);
  if (known) return known;
  throw unknownFormat(MEDIA_TYPES);
}
