import type { Clock } from '@keelson/api/clock';
import { TokenBucket } from '../rest/ratelimit.ts';

/** Says how long an item that failed has to wait. */
export interface RateLimiter<T> {
  /** Counts a failure. @returns milliseconds to wait */
  next(item: T): number;
  /** The item succeeded, or is given up: its failures count no more. */
  forget(item: T): void;
  failures(item: T): number;
}

export interface RateLimiterOptions {
  readonly firstMs?: number;
  readonly maxMs?: number;
  /** For all items together. */
  readonly perSecond?: number;
  readonly burst?: number;
}

/**
 * The longer of two waits: an item's own, doubling with each of its failures, and that of a bucket for all. The defaults are
 * client-go's: 5 ms to 1000 s; 10 per second, 100 at once (util/workqueue/default_rate_limiters.go).
 */
export function defaultRateLimiter<T>(clock: Clock, options: RateLimiterOptions = {}): RateLimiter<T> {
  const { firstMs = 5, maxMs = 1_000_000, perSecond = 10, burst = 100 } = options;
  const failures = new Map<T, number>();
  const bucket = new TokenBucket(perSecond, burst, clock);
  return {
    next(item) {
      const count = failures.get(item) ?? 0;
      failures.set(item, count + 1);
      return Math.max(Math.min(maxMs, firstMs * 2 ** count), bucket.reserve());
    },
    forget: (item) => void failures.delete(item),
    failures: (item) => failures.get(item) ?? 0,
  };
}
