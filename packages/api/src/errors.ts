/**
 * The one error of the API: a meta/v1 Status that can be thrown. Factories make each of upstream's reasons with
 * upstream's words (k8s.io/apimachinery/pkg/api/errors), since clients parse them.
 */

import { aggregateText } from './aggregate.ts';
import type { ErrorList } from './field.ts';
import { quote } from './field.ts';
import type { ListMeta } from './generated/types/meta/v1.ts';

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

/** meta/v1 Status as it goes over the wire. */
export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: ListMeta;
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code: number;
}

export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

/** A request's failure. Thrown anywhere, encoded in one place (the error filter). */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;
  /** An expired continue token comes with a fresh one. */
  readonly metadata: ListMeta;

  constructor(code: number, reason: string, message: string, details?: StatusDetails, metadata: ListMeta = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.metadata = metadata;
  }

  /** The body of the answer. Keys in the order in which upstream writes them. */
  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.metadata,
      status: 'Failure',
      ...(this.message === '' ? {} : { message: this.message.toWellFormed() }),
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: wellFormed(this.details) }),
      code: this.code,
    };
  }
}

/** Names that a client has asked for may have bytes in them that are no UTF-8. */
function wellFormed(details: StatusDetails): StatusDetails {
  const entries = Object.entries(details).map(([key, value]) => [
    key,
    typeof value === 'string' ? value.toWellFormed() : (value as unknown),
  ]);
  return Object.fromEntries(entries) as StatusDetails;
}

/** Whether it is a StatusError of one of these reasons: `hasReason(error, 'NotFound')`. */
export function hasReason(error: unknown, ...reasons: readonly string[]): error is StatusError {
  return error instanceof StatusError && reasons.includes(error.reason);
}

/** `pods`, `deployments.apps` */
export function qualified(gr: GroupResource): string {
  return gr.group === '' ? gr.resource : `${gr.resource}.${gr.group}`;
}

function about(gr: GroupResource, name: string): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(gr.group === '' ? {} : { group: gr.group }),
    ...(gr.resource === '' ? {} : { kind: gr.resource }),
  };
}

/** 404. `name` may be empty: nothing of the resource is there. */
export function notFound(gr: GroupResource, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualified(gr)} ${quote(name)} not found`, about(gr, name));
}

/** 409 to a create. */
export function alreadyExists(gr: GroupResource, name: string): StatusError {
  return new StatusError(409, 'AlreadyExists', `${qualified(gr)} ${quote(name)} already exists`, about(gr, name));
}

/** `message` says what was in the way. */
export function conflict(gr: GroupResource, name: string, message: string): StatusError {
  const text = `Operation cannot be fulfilled on ${qualified(gr)} ${quote(name)}: ${message}`;
  return new StatusError(409, 'Conflict', text, about(gr, name));
}

/** The message is empty where there is nothing to add to "is forbidden". */
export function forbidden(gr: GroupResource, name: string, message: string): StatusError {
  const what =
    gr.resource === ''
      ? `forbidden: ${message}`
      : `${qualified(gr)} ${name === '' ? '' : `${quote(name)} `}is forbidden: ${message}`;
  return new StatusError(403, 'Forbidden', what, about(gr, name));
}

/** In characters, and one more complaint. */
const MOST_TOLD = 1 << 20;

/**
 * The first ones, up to a bound that nobody reads beyond: each may show a list, and there may be one for each of its items. Of a body of
 * 60 KB upstream makes an answer of 200 MB.
 */
function told(errors: ErrorList): ErrorList {
  let length = 0;
  const end = errors.findIndex((error) => {
    if (length > MOST_TOLD) return true;
    length += String(error).length;
    return false;
  });
  return end < 0 ? errors : errors.slice(0, end);
}

/** 422 with a cause for each field error. `kind` is the Kind, not the resource. */
export function invalid(group: string, kind: string, name: string, all: ErrorList): StatusError {
  const errors = told(all);
  const text = aggregateText(new Set(errors.map(String)));
  return new StatusError(
    422,
    'Invalid',
    `${kind}${group === '' ? '' : `.${group}`} ${quote(name)} is invalid${errors.length ? `: ${text}` : ''}`,
    {
      ...(name === '' ? {} : { name }),
      ...(group === '' ? {} : { group }),
      ...(kind === '' ? {} : { kind }),
      ...(errors.length ? { causes: errors.map((e) => e.toCause()) } : {}),
    },
  );
}

/** 400: what was sent cannot be read, or asks for what there is not. */
export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

/** 401: nobody knows who asks. */
export function unauthorized(message = 'Unauthorized'): StatusError {
  return new StatusError(401, 'Unauthorized', message);
}

/** `action` is the verb in lower case as upstream says it: `the server does not allow this method on the requested resource`. */
export function methodNotSupported(gr: GroupResource, action: string): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    `${action} is not supported on resources of kind "${qualified(gr)}"`,
    about(gr, ''),
  );
}

/** 410 in other words than {@link resourceExpired}. */
export function gone(message: string): StatusError {
  return new StatusError(410, 'Gone', message);
}

/** 410 for a revision or a continue token that history no longer holds. */
export function resourceExpired(message: string, metadata: { readonly continue?: string } = {}): StatusError {
  return new StatusError(410, 'Expired', message, undefined, metadata);
}

/** 413. */
export function requestEntityTooLarge(message: string): StatusError {
  return new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: ${message}`);
}

/** 429. @param retryAfterSeconds 0: the client is not told when to come again */
export function tooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return new StatusError(429, 'TooManyRequests', message, retryAfterSeconds > 0 ? { retryAfterSeconds } : {});
}

/** 500 with its cause, which the message repeats. */
export function internalError(cause: string): StatusError {
  return new StatusError(500, 'InternalError', `Internal error occurred: ${cause}`, { causes: [{ message: cause }] });
}

/** 503: what the answer depends on is away. */
export function serviceUnavailable(message: string): StatusError {
  return new StatusError(503, 'ServiceUnavailable', message);
}

/** 504. @param retryAfterSeconds 0: the client is not told when to come again */
export function timeout(message: string, retryAfterSeconds: number): StatusError {
  return new StatusError(504, 'Timeout', `Timeout: ${message}`, retryAfterSeconds > 0 ? { retryAfterSeconds } : {});
}
