import type { RpcCode } from '@keelson/component/grpc/errors';
import { StoreUnavailableError, ValueTooLargeError } from '../store.ts';
import { CallError } from './grpc.ts';

/** What etcd says of a revision that was compacted, and of one that is yet to come. */
const COMPACTED = 'required revision has been compacted';
const FUTURE = 'required revision is a future revision';

/** What was asked for is older than what etcd keeps. */
export function isCompacted(error: unknown): boolean {
  return error instanceof CallError && error.status === 'OutOfRange' && error.details.includes(COMPACTED);
}

/** What was asked for is newer than all that this member has. */
export function isFutureRevision(error: unknown): boolean {
  return error instanceof CallError && error.status === 'OutOfRange' && error.details.includes(FUTURE);
}

/** It has ended meanwhile. */
export function isLeaseMissing(error: unknown): boolean {
  return error instanceof CallError && error.status === 'NotFound' && error.details.includes('lease not found');
}

/** There is one of that number. */
export function isLeaseTaken(error: unknown): boolean {
  return error instanceof CallError && error.details.includes('lease already exists');
}

/** The answer is larger than the client takes. */
export function isTooLarge(error: unknown): boolean {
  return (
    error instanceof CallError && error.status === 'ResourceExhausted' && error.details.includes('larger than max')
  );
}

/** The endpoint does not answer, or says that it can't: another one may. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof CallError)) return false;
  return error.status === 'Unavailable' || error.status === 'DeadlineExceeded' || isDropped(error);
}

/** It was waited for in vain; not: the endpoint has said that its own time was over. */
export function isSilence(error: unknown): boolean {
  if (!(error instanceof CallError)) return false;
  const { status, details } = error;
  return status === 'DeadlineExceeded' ? details !== GAVE_UP : details.includes(NO_ANSWER);
}

/** What is said of a connection on which the other side has said nothing. */
export const NO_ANSWER = 'no answer in time';

/** What a member says that found no leader to hand a write to for as long as it waits (5 s and two elections). */
const GAVE_UP = 'context deadline exceeded';
const NOT_SENT = /^(No connection established|Name resolution failed|Channel closed before)/;

/** The write has not got into etcd's log, so that sending it again can't repeat it. */
export function wasNotProposed(error: unknown): boolean {
  if (!(error instanceof CallError)) return false;
  if (error.status === 'DeadlineExceeded') return error.details === GAVE_UP;
  if (error.status === 'Unavailable') return NOT_SENT.test(error.details) || error.details === NO_LEADER;
  return isDropped(error);
}

const NO_LEADER = 'etcdserver: no leader';

function isDropped(error: CallError): boolean {
  return error.status === 'Unknown' && error.details.includes('raft proposal dropped');
}

/** Codes that say something of the request, not of etcd's condition. */
const requestErrors = new Set<RpcCode>(['InvalidArgument', 'FailedPrecondition', 'NotFound']);

/**
 * The error as callers of a store expect it, with the endpoint it came from.
 * @param isOver whether the request's time is over, so that it does not matter what the last try of many ran into
 */
export function translate(error: unknown, endpoint: string, isOver = false): Error {
  if (!(error instanceof CallError)) return error instanceof Error ? error : new Error(String(error));
  const tooLarge = tooLargeAs(error);
  if (tooLarge !== undefined) return new ValueTooLargeError(tooLarge, { cause: error });
  // gRPC wraps what happened into general remarks.
  const reason = /Last error: (?:Error: )?(.*?)\.? Resolution note:/.exec(error.details)?.[1] ?? error.details;
  const message = `etcd at ${endpoint}: ${reason === 'null' ? 'no connection' : reason}`;
  if (requestErrors.has(error.status)) return new Error(message, { cause: error });
  const timedOut = isOver || error.status === 'DeadlineExceeded';
  return new StoreUnavailableError(message, { cause: error, reason: timedOut ? GAVE_UP : wordsOf(error), timedOut });
}

/** That a request is too large: for etcd, or for its connection, which upstream's client finds out by itself. */
function tooLargeAs(error: CallError): string | undefined {
  const { status, details } = error;
  if (status === 'InvalidArgument' && details === 'etcdserver: request is too large') return details;
  if (status !== 'ResourceExhausted' || !details.startsWith(NOT_RECEIVED)) return undefined;
  return `rpc error: code = ${status} desc = ${details.replace(NOT_RECEIVED, 'trying to send message larger than max')}`;
}
const NOT_RECEIVED = 'grpc: received message larger than max';

/** What etcd says itself as it says it; of the rest as much as upstream's client tells its callers. */
function wordsOf({ status, details }: CallError): string {
  if (details.startsWith('etcdserver: ')) return details;
  const what = CONNECTION_LOST.test(details) ? 'error reading from server: EOF' : details;
  return `rpc error: code = ${status} desc = ${what}`;
}
const CONNECTION_LOST = /^(Connection dropped|read ECONNRESET|Stream refused|Received RST_STREAM)/;
