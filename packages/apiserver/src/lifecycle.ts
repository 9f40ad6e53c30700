/**
 * How a server ends, in upstream's order: not ready first, so that nobody new is sent here; then no new connections; then
 * the running requests end; then the watches (apiserver/pkg/server/genericapiserver.go).
 */
import type { Filter } from './chain.ts';
import { isLongRunning } from './filters/longrunning.ts';

export class Lifecycle {
  #stopping = false;
  #running = 0;
  #idle: (() => void) | undefined;
  readonly #longRunning = new Set<() => void>();

  get stopping(): boolean {
    return this.#stopping;
  }

  /** From now on /readyz fails. */
  stop(): void {
    this.#stopping = true;
  }

  /** Counts the requests that a shutdown waits for. */
  readonly track: Filter = async (ctx, next) => {
    if (isLongRunning(ctx)) return next();
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

  /** Something that goes on until it is told to end. @returns what to call when it has ended by itself */
  register(end: () => void): () => void {
    this.#longRunning.add(end);
    return () => this.#longRunning.delete(end);
  }

  endLongRunning(): void {
    for (const end of this.#longRunning) end();
    this.#longRunning.clear();
  }
}
