/** What comes back from a server that may be slow, wrong or without end. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/**
 * Sends a request that has not been ended. The reply may come compressed, as Go's clients have it.
 * @param maxBytes of the reply's body, decompressed
 * @throws the error of the connection; Error for a reply that is larger
 */
export function exchange(request: ClientRequest, body?: Buffer, maxBytes = MAX_REPLY_BYTES): Promise<Reply> {
  return new Promise((resolve, reject) => {
    request.setNoDelay(true);
    request.setHeader('accept-encoding', 'gzip');
    request.on('error', reject);
    request.on('response', (response) => readReply(response, maxBytes).then(resolve, reject));
    request.end(body);
  });
}

async function readReply(response: IncomingMessage, maxBytes: number): Promise<Reply> {
  const chunks: Buffer[] = [];
  let size = 0;
  const isCompressed = response.headers['content-encoding'] === 'gzip';
  // What fails on the way comes out of what is read.
  const plain = isCompressed ? pipeline(response, createGunzip(), () => {}) : response;
  for await (const chunk of plain as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`the response is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const { statusCode = 0, headers } = response;
  return { status: statusCode, contentType: headers['content-type'] ?? '', headers, body: Buffer.concat(chunks) };
}
