/**
 * How a server ends, in upstream's order (apiserver/pkg/server/genericapiserver.go); docs/high-availability.md draws it.
 *
 *     serving ──stop──▶ stopping: not ready, serves on ──refuse──▶ refusing: nothing new begins, what runs goes on
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { serviceUnavailable } from '@keelson/api/errors';
import type { Filter } from './chain.ts';
import type { RequestContext } from './context.ts';
import { isAboutHealth } from './filters/exempt.ts';
import { isLongRunning } from './filters/longrunning.ts';
import { commonHeaders } from './handlers/send.ts';
import { textAnswer } from './http/answer.ts';

export interface LifecycleOptions {
  /** Watches are told to end as soon as nothing new begins, and are waited for (`--shutdown-watch-termination-grace-period`). */
  readonly endsWatches: boolean;
}

/** So many watches are ended in a second at least: their clients all come to the other servers. */
const WATCHES_PER_SECOND = 200;
/** How much at a time. */
const TICK_MS = 50;

export class Lifecycle {
  readonly #endsWatches: boolean;
  #stopping = false;
  #refusing = false;
  #running = 0;
  #idle: (() => void) | undefined;
  readonly #watches = new Set<() => void>();
  readonly #connections = new Set<() => void>();

  constructor({ endsWatches }: LifecycleOptions = { endsWatches: false }) {
    this.#endsWatches = endsWatches;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** From now on /readyz fails. */
  stop(): void {
    this.#stopping = true;
  }

  /** From now on nothing new begins. */
  refuse(): void {
    this.#refusing = true;
  }

  /** Answers 429 to what is new, and ends its connection (`--shutdown-send-retry-after`, filters/with_retry_after.go). */
  readonly sendRetryAfter: Filter = async (ctx, next) => {
    if (!this.#refusing || isExempt(ctx)) return next();
    const { status, headers, body } = textAnswer(429, 'The apiserver is shutting down, please try again later.\n');
    ctx.exchange.endConnection();
    ctx.exchange.respond(status, { ...commonHeaders(ctx), ...headers, 'retry-after': 5 }, body);
  };

  /** Counts the requests that a shutdown waits for; what is new then is answered with 503 (filters/waitgroup.go). */
  readonly track: Filter = async (ctx, next) => {
    const isLong = isLongRunning(ctx);
    const isWatch = ctx.info.verb === 'watch';
    if (isLong && !(isWatch && this.#endsWatches)) return next();
    if (this.#refusing) {
      if (!isExempt(ctx)) return refuse(ctx);
      return next();
    }
    if (isLong) return next();
    this.#running++;
    try {
      await next();
    } finally {
      this.#running--;
      if (this.#running === 0) this.#idle?.();
    }
  };

  /** Resolves when no tracked request runs any more, or after `timeoutMs`. */
  async drained(timeoutMs: number): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
      setTimeout(resolve, timeoutMs).unref();
    });
  }

  /** A watch that goes on until it is told to end. @returns what to call when it has ended by itself */
  registerWatch(end: () => void): () => void {
    this.#watches.add(end);
    return () => this.#watches.delete(end);
  }

  /** The same for a connection to somewhere else. */
  registerConnection(end: () => void): () => void {
    this.#connections.add(end);
    return () => this.#connections.delete(end);
  }

  /** Tells the watches to end, a few at a time. @param graceMs the longest that it may take */
  async endWatches(graceMs: number): Promise<void> {
    const perTick = Math.ceil(Math.max(WATCHES_PER_SECOND, (this.#watches.size * 1000) / graceMs) * (TICK_MS / 1000));
    for (const until = performance.now() + graceMs; this.#watches.size > 0; await sleep(TICK_MS)) {
      let left = performance.now() < until ? perTick : Number.POSITIVE_INFINITY;
      for (const end of this.#watches) {
        if (left-- <= 0) break;
        this.#watches.delete(end);
        end();
      }
    }
  }

  /** Ends what is left of watches and connections. */
  endLongRunning(): void {
    for (const all of [this.#watches, this.#connections]) {
      for (const end of all) end();
      all.clear();
    }
  }
}

/** Who looks after the server, and other API servers. */
function isExempt(ctx: RequestContext): boolean {
  const agent = ctx.exchange.headers['user-agent'] ?? '';
  return String(agent).startsWith('kube-apiserver/') || isAboutHealth(ctx);
}

async function refuse(ctx: RequestContext): Promise<void> {
  const body = `${JSON.stringify(serviceUnavailable('apiserver is shutting down').toStatus())}\n`;
  const headers = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', 'retry-after': 1 };
  ctx.exchange.endConnection();
  ctx.exchange.respond(503, { ...commonHeaders(ctx), ...headers }, body);
}
