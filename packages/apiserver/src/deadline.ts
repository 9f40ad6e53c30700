/**
 * When a request is answered that it took too long. What goes on behind that answer must not write any more: the client
 * may try again (apiserver/pkg/endpoints/filters/request_deadline.go, handlers/finisher/finisher.go).
 */
import { type StatusError, timeout } from '@keelson/api/errors';
import type { RequestContext } from './context.ts';

/** Longer takes no write of one object, whatever it waits for (handlers/rest.go, requestTimeoutUpperBound). */
const WRITE_LIMIT_MS = 34_000;

/** @throws the error after this time, of `performance.now()`; what `serve` throws */
export function before(deadline: number, late: () => StatusError, serve: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), deadline - performance.now());
    serve()
      .finally(() => clearTimeout(timer))
      .then(resolve, reject);
  });
}

/** @throws StatusError 504; what `serve` throws */
export function inTimeToWrite(ctx: RequestContext, serve: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + WRITE_LIMIT_MS;
  // The request's own end comes sooner, and is told by whoever set it.
  if (ctx.deadline !== undefined && ctx.deadline <= deadline) return serve();
  ctx.deadline = deadline;
  return before(deadline, tooLate, serve);
}

/** Infinite where there is no end. */
export function msLeft({ deadline }: RequestContext): number {
  return deadline === undefined ? Number.POSITIVE_INFINITY : deadline - performance.now();
}

/** @throws StatusError 504 */
export function checkInTime(ctx: RequestContext): void {
  if (msLeft(ctx) <= 0) throw tooLate();
}

function tooLate(): StatusError {
  return timeout('request did not complete within requested timeout - context deadline exceeded', 0);
}
