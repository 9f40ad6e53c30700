import type { World } from './world.ts';

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Without a call for so long, the next pause is the first one again. */
  readonly resetMs: number;
}

/** Pauses that double, each lengthened by chance up to twice (apimachinery's wait.Backoff with factor 2, jitter 1). */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #world: World;
  #nextMs: number;
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(options: BackoffOptions, world: World) {
    this.#options = options;
    this.#world = world;
    this.#nextMs = options.firstMs;
  }

  /** @returns milliseconds to wait now */
  next(): number {
    const { firstMs, maxMs, resetMs } = this.#options;
    const now = this.#world.clock.now();
    if (now - this.#lastAt > resetMs) this.#nextMs = firstMs;
    this.#lastAt = now;
    const pause = this.#nextMs * (1 + this.#world.random());
    this.#nextMs = Math.min(maxMs, this.#nextMs * 2);
    return pause;
  }
}
