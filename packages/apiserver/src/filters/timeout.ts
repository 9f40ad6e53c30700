/**
 * No request but a long-running one may take longer than it asked for with `timeout=`, nor than the server's limit
 * (apiserver/pkg/endpoints/filters/request_deadline.go, apiserver/pkg/server/filters/timeout.go).
 */
import { badRequest, StatusError } from '@keelson/api/errors';
import { parseDuration } from '@keelson/component/go/duration';
import type { Filter } from '../chain.ts';
import { before } from '../deadline.ts';
import { isLongRunning } from './longrunning.ts';

/**
 * @param limitSeconds none when it is 0
 * @throws TooLate; StatusError 400 where the wish is no duration
 */
export function timeout(limitSeconds: number): Filter {
  const limit = limitSeconds > 0 ? limitSeconds * 1000 : Number.POSITIVE_INFINITY;
  return async (ctx, next) => {
    if (isLongRunning(ctx)) return next();
    const wish = wishOf(ctx.info.query);
    const milliseconds = wish > 0 && wish < limit ? wish : limit;
    if (milliseconds === Number.POSITIVE_INFINITY) return next();
    ctx.deadline = performance.now() + milliseconds;
    await before(ctx.deadline, tooLate, next);
  };
}

/** Told by who serves requests, not by the API: no object of a kind, and in no form that was asked for. */
export class TooLate extends StatusError {
  constructor() {
    super(504, 'Timeout', 'Timeout: request did not complete within the allotted timeout', {});
  }
}

// Whoever goes on after the answer was given talks to nobody.
const tooLate = () => new TooLate();

/** @returns milliseconds; 0 and less stand for no wish */
function wishOf(query: URLSearchParams): number {
  const text = query.get('timeout');
  if (!text) return 0;
  try {
    return parseDuration(text);
  } catch (error) {
    throw badRequest(`invalid timeout specified in the request URL - ${(error as Error).message}`);
  }
}
