import { type ServiceError, status } from '@grpc/grpc-js';
import { StoreUnavailableError } from '../store.ts';

/** What etcd says of a revision that was compacted, and of one that is yet to come. */
const COMPACTED = 'required revision has been compacted';
const FUTURE = 'required revision is a future revision';

export function isCompacted(error: unknown): boolean {
  return isServiceError(error) && error.code === status.OUT_OF_RANGE && error.details.includes(COMPACTED);
}

export function isFutureRevision(error: unknown): boolean {
  return isServiceError(error) && error.code === status.OUT_OF_RANGE && error.details.includes(FUTURE);
}

export function isLeaseMissing(error: unknown): boolean {
  return isServiceError(error) && error.code === status.NOT_FOUND && error.details.includes('lease not found');
}

export function isLeaseTaken(error: unknown): boolean {
  return isServiceError(error) && error.details.includes('lease already exists');
}

/** The answer is larger than the client takes. */
export function isTooLarge(error: unknown): boolean {
  return isServiceError(error) && error.code === status.RESOURCE_EXHAUSTED && error.details.includes('larger than max');
}

/** The endpoint does not answer, or says that it can't: another one may. */
export function isUnavailable(error: unknown): boolean {
  if (!isServiceError(error)) return false;
  return error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED;
}

/** The request has certainly not reached etcd, so that sending a write again can't repeat it. */
export function wasNotSent(error: unknown): boolean {
  if (!isServiceError(error) || error.code !== status.UNAVAILABLE) return false;
  return /^(No connection established|Name resolution failed|Channel closed before)/.test(error.details);
}

/** Codes that say something of the request, not of etcd's condition. */
const requestErrors = new Set<number>([status.INVALID_ARGUMENT, status.FAILED_PRECONDITION, status.NOT_FOUND]);

/** The error as callers of a store expect it, with the endpoint it came from. */
export function translate(error: unknown, endpoint: string): Error {
  if (!isServiceError(error)) return error instanceof Error ? error : new Error(String(error));
  // gRPC wraps what happened into general remarks.
  const reason = /Last error: (?:Error: )?(.*?)\.? Resolution note:/.exec(error.details)?.[1] ?? error.details;
  const message = `etcd at ${endpoint}: ${reason === 'null' ? 'no connection' : reason}`;
  if (requestErrors.has(error.code)) return new Error(message, { cause: error });
  return new StoreUnavailableError(message, { cause: error });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error;
}
