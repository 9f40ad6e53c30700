/** What calls over gRPC fail with, in the words of gRPC's Go implementation: they end up in statuses, events and metrics. */

import { errnoText } from '../go/errno.ts';

/** In the order of their numbers (google.golang.org/grpc/codes). */
const CODES = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const;
export type RpcCode = (typeof CODES)[number];

/** @param number on the wire */
export function codeNamed(number: number): RpcCode {
  return CODES[number] ?? 'Unknown';
}

/** Thrown by who calls, and by who answers to say with what. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly codeName: RpcCode;
  /** What the other side said, or what is known of the connection. */
  readonly details: string;

  constructor(codeName: RpcCode, details: string, cause?: unknown) {
    super(`rpc error: code = ${codeName} desc = ${details}`, { cause });
    this.codeName = codeName;
    this.details = details;
  }
}

/** @param error of grpc-js */
export function rpcError(error: { readonly code: number; readonly details: string }): RpcError {
  return new RpcError(codeNamed(error.code), inWordsOfGo(error.details), error);
}

/** Under what metrics count how a call ended: by gRPC's name, however the error is wrapped; others have not come as far as that. */
export function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('codeName' in at && typeof at.codeName === 'string') return at.codeName;
  }
  return 'unknown-non-grpc';
}

/** The number on the wire. */
export function numberOf(codeName: RpcCode): number {
  return CODES.indexOf(codeName);
}

/** What grpc-js itself says, with times in it that would make each failure another one. */
function inWordsOfGo(details: string): string {
  if (details.startsWith('Deadline exceeded')) return 'context deadline exceeded';
  const [, errno, address = ''] =
    /^No connection established\. Last error: .*?connect (E[A-Z]+) (\S+?)\.?(?:\s|$)/.exec(details) ?? [];
  if (errno === undefined) return details;
  const network = address.startsWith('/') ? 'unix' : 'tcp';
  const dial = `dial ${network} ${address}: connect: ${errnoText(errno) ?? errno}`;
  return `connection error: desc = "transport: Error while dialing: ${dial}"`;
}
