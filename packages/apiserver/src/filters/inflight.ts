/**
 * Bounds how many requests run at once, reads and writes apart; watches and other long-running requests do not count
 * (apiserver/pkg/server/filters/maxinflight.go). In use where priority and fairness is switched off.
 */
import type { Filter } from '../chain.ts';
import type { RequestContext } from '../context.ts';
import { commonHeaders } from '../handlers/send.ts';
import { textAnswer } from '../http/answer.ts';
import { isLongRunning } from './longrunning.ts';

export interface InflightLimits {
  /** 0: no bound. */
  readonly reads: number;
  readonly writes: number;
}

/** Requests that are being served. */
export interface Running {
  reads: number;
  writes: number;
}

const READS: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

export function groupOf({ info }: RequestContext): keyof Running {
  return READS.has(info.verb) ? 'reads' : 'writes';
}

/**
 * @param running counted up and down, for metrics
 * @param onDropped is told of each request that is answered with 429
 */
export function inflight(limits: InflightLimits, running: Running, onDropped: (ctx: RequestContext) => void): Filter {
  return async (ctx, next) => {
    if (isLongRunning(ctx)) return next();
    const group = groupOf(ctx);
    const isPrivileged = ctx.user.groups.includes('system:masters');
    if (limits[group] > 0 && running[group] >= limits[group] && !isPrivileged) {
      onDropped(ctx);
      refuse(ctx, 1);
      return;
    }
    running[group]++;
    try {
      await next();
    } finally {
      running[group]--;
    }
  };
}

/** Plain text, not a Status: this is how kube-apiserver says it. */
export function refuse(ctx: RequestContext, retryAfterSeconds: number): void {
  const { status, headers, body } = textAnswer(429, 'Too many requests, please try again later.\n');
  ctx.exchange.respond(status, { ...commonHeaders(ctx), ...headers, 'retry-after': retryAfterSeconds }, body);
}
