/** What a webhook's HTTP reply means, in client-go's words (k8s.io/client-go/rest: transformResponse, Result.Into). */
import { StatusError } from '@keelson/api/errors';
import { meaningOf } from '@keelson/api/server-response';
import type { Reply } from './exchange.ts';

const MAX_SHOWN_BYTES = 2048;

/** @returns the body of a reply that is one. @throws StatusError for any that is a failure; Error for an empty one */
export function bodyOf({ status, contentType, body }: Pick<Reply, 'status' | 'contentType' | 'body'>): Buffer {
  if (status < 200 || status > 206) throw statusIn(body) ?? failure(status, shown(contentType, body));
  if (body.length === 0)
    throw new Error(`0-length response with status code: ${status} and content type: ${contentType}`);
  return body;
}

function shown(contentType: string, body: Buffer): string {
  const isText = contentType === '' || contentType.startsWith('text/');
  return isText ? body.subarray(0, MAX_SHOWN_BYTES).toString('utf8').trim() : 'unknown';
}

function failure(status: number, said: string): StatusError {
  const { reason, message } = meaningOf(status, said, true);
  return new StatusError(status, reason, message, { causes: [{ reason: 'UnexpectedServerResponse', message: said }] });
}

/** A failure that says of itself what it is. */
function statusIn(body: Buffer): StatusError | undefined {
  try {
    const { kind, apiVersion, status, code, reason, message } = JSON.parse(body.toString('utf8')) as Partial<
      Record<string, unknown>
    >;
    if (kind !== 'Status' || apiVersion !== 'v1' || status !== 'Failure') return undefined;
    return new StatusError(Number(code ?? 0), String(reason ?? ''), String(message ?? ''));
  } catch {
    return undefined;
  }
}
