/** No request but a long-running one may take longer than this (apiserver/pkg/server/filters/timeout.go). */
import { timeout as timeoutError } from '@keelson/api/errors';
import type { Filter } from '../chain.ts';
import { isLongRunning } from './longrunning.ts';

/** @throws StatusError 504 */
export function timeout(seconds: number): Filter {
  return async (ctx, next) => {
    if (isLongRunning(ctx) || seconds <= 0) return next();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(timeoutError('request did not complete within the allotted timeout', 0)),
        seconds * 1000,
      );
      // Whoever goes on after the answer was given talks to nobody.
      next()
        .finally(() => clearTimeout(timer))
        .then(resolve, reject);
    });
  };
}
