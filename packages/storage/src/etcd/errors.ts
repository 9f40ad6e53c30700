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
  return error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED || isDropped(error);
}

/** It was waited for in vain; not: the endpoint has said that its own time was over. */
export function isSilence(error: unknown): boolean {
  if (!isServiceError(error)) return false;
  const { code, details } = error;
  return code === status.DEADLINE_EXCEEDED ? details !== GAVE_UP : details.includes(NO_ANSWER);
}

/** What is said of a connection on which the other side has said nothing. */
export const NO_ANSWER = 'no answer in time';

/** What a member says that found no leader to hand a write to for as long as it waits (5 s and two elections). */
const GAVE_UP = 'context deadline exceeded';
const NOT_SENT = /^(No connection established|Name resolution failed|Channel closed before)/;

/** The write has not got into etcd's log, so that sending it again can't repeat it. */
export function wasNotProposed(error: unknown): boolean {
  if (!isServiceError(error)) return false;
  if (error.code === status.DEADLINE_EXCEEDED) return error.details === GAVE_UP;
  if (error.code === status.UNAVAILABLE) return NOT_SENT.test(error.details) || error.details === NO_LEADER;
  return isDropped(error);
}

const NO_LEADER = 'etcdserver: no leader';

function isDropped(error: ServiceError): boolean {
  return error.code === status.UNKNOWN && error.details.includes('raft proposal dropped');
}

/** Codes that say something of the request, not of etcd's condition. */
const requestErrors = new Set<number>([status.INVALID_ARGUMENT, status.FAILED_PRECONDITION, status.NOT_FOUND]);

/**
 * The error as callers of a store expect it, with the endpoint it came from.
 * @param isOver whether the request's time is over, so that it does not matter what the last try of many ran into
 */
export function translate(error: unknown, endpoint: string, isOver = false): Error {
  if (!isServiceError(error)) return error instanceof Error ? error : new Error(String(error));
  // gRPC wraps what happened into general remarks.
  const reason = /Last error: (?:Error: )?(.*?)\.? Resolution note:/.exec(error.details)?.[1] ?? error.details;
  const message = `etcd at ${endpoint}: ${reason === 'null' ? 'no connection' : reason}`;
  if (requestErrors.has(error.code)) return new Error(message, { cause: error });
  const timedOut = isOver || error.code === status.DEADLINE_EXCEEDED;
  return new StoreUnavailableError(message, { cause: error, reason: timedOut ? GAVE_UP : wordsOf(error), timedOut });
}

/** What etcd says itself as it says it; of the rest as much as upstream's client tells its callers. */
function wordsOf({ code, details }: ServiceError): string {
  if (details.startsWith('etcdserver: ')) return details;
  const what = CONNECTION_LOST.test(details) ? 'error reading from server: EOF' : details;
  const name = status[code]!.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return `rpc error: code = ${name} desc = ${what}`;
}
const CONNECTION_LOST = /^(Connection dropped|read ECONNRESET|Stream refused|Received RST_STREAM)/;

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error;
}
