/** What a failed answer means, and what a caller may ask of an error. */
import { hasReason, qualified, type Status, type StatusDetails, StatusError } from '@keelson/api/errors';
import { meaningOf } from '@keelson/api/server-response';
import type { WireResponse } from './transport.ts';

/** A call took longer than its timeout. */
export class RequestTimeoutError extends Error {
  override readonly name = 'RequestTimeoutError';
}

/** What a request was about, for the error of an answer that does not say. */
export interface Subject {
  /** `get`, `list`, `watch`, `post`… */
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name: string;
}

const MAX_ERROR_BYTES = 1024 * 1024;

/** The error of an answer that is no success; reads its body. */
export async function errorOf(response: WireResponse, subject: Subject): Promise<StatusError> {
  const text = await readText(response.body);
  return statusErrorOf(parse(text)) ?? unexplained(response, text, subject);
}

/** The error that a decoded Status is; undefined if it is none. */
export function statusErrorOf(value: unknown): StatusError | undefined {
  const status = value as Partial<Status> | null | undefined;
  if (status?.kind !== 'Status' || status.status === 'Success') return undefined;
  const { code = 500, reason = '', message = '', details, metadata } = status;
  return new StatusError(code, reason, message, details, metadata as { continue?: string });
}

/** The seconds that the server asks to wait, if the answer may be asked for again (429 and 5xx with Retry-After). */
export function retryAfterSeconds({ status, headers }: WireResponse): number | undefined {
  if (status !== 429 && status < 500) return undefined;
  const header = headers['retry-after'];
  return typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : undefined;
}

/** Whether history no longer reaches back to the revision or continue token that was asked for. */
export function isExpired(error: unknown): boolean {
  return error instanceof StatusError && (error.code === 410 || error.reason === 'Expired' || error.reason === 'Gone');
}

/** Whether the server has not come to the revision that was asked for. */
export function isRevisionTooLarge(error: unknown): boolean {
  if (!hasReason(error, 'Timeout')) return false;
  const causes = error.details?.causes ?? [];
  return (
    causes.some(({ reason }) => reason === 'ResourceVersionTooLarge') ||
    error.message.includes('Too large resource version')
  );
}

/** Runs `change` again, which reads the newest object and writes it, when it met a conflict; five times at most. */
export async function retryOnConflict<T>(change: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await change();
    } catch (error) {
      if (!hasReason(error, 'Conflict') || attempt >= 5) throw error;
    }
  }
}

function unexplained(response: WireResponse, text: string, { verb, group, resource, name }: Subject): StatusError {
  const { status } = response;
  const body = text.slice(0, 2048).trim();
  const { reason, message } = meaningOf(status, body, verb === 'post');
  const details: StatusDetails = {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    ...(resource === '' ? {} : { kind: resource }),
    ...(body === '' ? {} : { causes: [{ reason: 'UnexpectedServerResponse', message: body }] }),
    ...(retryAfterSeconds(response) ? { retryAfterSeconds: retryAfterSeconds(response)! } : {}),
  };
  const about = resource === '' ? '' : ` (${verb} ${qualified({ group, resource })}${name === '' ? '' : ` ${name}`})`;
  return new StatusError(status, reason, message + about, details);
}

/** The beginning of a body. One that breaks off is worth what came of it: the status says that it is an error. */
async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > MAX_ERROR_BYTES) break;
    }
  } catch {}
  return Buffer.concat(chunks).toString();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
