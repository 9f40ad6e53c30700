import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { headerOf } from './answer.ts';
import type { RequestHeaders } from './exchange.ts';

export const gzip = promisify(zlib.gzip);
export const gunzip = promisify(zlib.gunzip);

const CHUNK_BYTES = 64 * 1024;

/** What is compressed, piece by piece. */
export function gunzipStream(gzipped: Buffer): Readable {
  const stream = zlib.createGunzip({ chunkSize: CHUNK_BYTES });
  stream.end(gzipped);
  return stream;
}

/** Chunks of one body, compressed. */
export async function gzipAll(chunks: readonly Buffer[]): Promise<Buffer> {
  const stream = zlib.createGzip({ chunkSize: CHUNK_BYTES });
  return Buffer.concat(await Readable.from(chunks).pipe(stream).toArray());
}

/** Whether documents may be compressed: by name, with any quality but 0 (RFC 9110, 12.5.3; gziphandler, promhttp). */
export function acceptsGzip(headers: RequestHeaders): boolean {
  return headerOf(headers, 'accept-encoding')
    .split(',')
    .map((coding) => coding.split(';').map((part) => part.trim()))
    .some(([name, ...parameters]) => {
      const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
      return name?.toLowerCase() === 'gzip' && Number.parseFloat(quality) > 0;
    });
}

/** The same for resources, which upstream compresses for a plain `gzip` alone (negotiateContentEncoding). */
export function namesGzip(headers: RequestHeaders): boolean {
  return headerOf(headers, 'accept-encoding')
    .split(',')
    .some((coding) => coding.trim() === 'gzip');
}
