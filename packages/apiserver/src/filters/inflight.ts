/**
 * Bounds how many requests run at once, reads and writes apart; watches and other long-running requests do not count
 * (apiserver/pkg/server/filters/maxinflight.go).
 */
import { StatusError } from '@keelson/api/errors';
import type { Filter } from '../chain.ts';
import type { RequestContext } from '../context.ts';

export interface InflightLimits {
  /** 0: no bound. */
  readonly reads: number;
  readonly writes: number;
}

/** @param running counted up and down, for metrics */
export function inflight(limits: InflightLimits, running = { reads: 0, writes: 0 }): Filter {
  return async (ctx, next) => {
    if (isLongRunning(ctx)) return next();
    const group = ['get', 'list', 'watch'].includes(ctx.info.verb) ? 'reads' : 'writes';
    const isPrivileged = ctx.user.groups.includes('system:masters');
    if (limits[group] > 0 && running[group] >= limits[group] && !isPrivileged) {
      throw new StatusError(429, 'TooManyRequests', 'Too many requests, please try again later.', {
        retryAfterSeconds: 1,
      });
    }
    running[group]++;
    try {
      await next();
    } finally {
      running[group]--;
    }
  };
}

const LONG_RUNNING_SUBRESOURCES = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

export function isLongRunning(ctx: RequestContext): boolean {
  return ctx.info.verb === 'watch' || ctx.info.verb === 'proxy' || LONG_RUNNING_SUBRESOURCES.has(ctx.info.subresource);
}
