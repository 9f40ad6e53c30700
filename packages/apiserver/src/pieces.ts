import { setImmediate as nextTurn } from 'node:timers/promises';
import { atOnce, type Pieces } from '@keelson/api/pieces';

/**
 * Does what takes long in slices, of which each turn of the event loop has one: whoever waits for something short waits for
 * one slice at most, however much is under way.
 *
 *     work A ──slice──┐           ┌──slice──┐
 *     work B          └──slice────┘         └──slice──▶      others have their turns between the slices
 */
export class Slices {
  readonly #now: () => number;
  #last = Promise.resolve();

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** What the work returns. @throws what it throws */
  async do<T>(work: Pieces<T>): Promise<T> {
    for (;;) {
      await this.turn();
      const result = this.#slice(work);
      if (result.done) return result.value;
    }
  }

  /** The same, where most work is short: that is done at once, and the rest once it has been seen to be long. */
  soon<T>(work: Pieces<T>): T | Promise<T> {
    const result = this.#slice(work, SHORT_MS);
    return result.done ? result.value : this.do(work);
  }

  /** Resolves in a turn of the event loop in which nobody else does a slice. */
  turn(): Promise<void> {
    this.#last = this.#last.then(() => nextTurn());
    return this.#last;
  }

  #slice<T>(work: Pieces<T>, ms = SLICE_MS): IteratorResult<undefined, T> {
    const startedAt = this.#now();
    for (;;) {
      const result = work.next();
      if (result.done || this.#now() - startedAt >= ms) return result;
    }
  }
}

const SLICE_MS = 10;
const SHORT_MS = 2;

/** One for the process, as its event loop is. */
export const slices = new Slices(() => performance.now());

const LARGE = 256 * 1024;

/** Lets others work between two steps on so many bytes; undefined where they are few. */
export function pauseFor(bytes: number): Promise<void> | undefined {
  return bytes < LARGE ? undefined : slices.turn();
}

/** Does work on so many bytes: in slices where they are many. @throws what it throws */
export function workOn<T>(bytes: number, work: Pieces<T>): T | Promise<T> {
  return bytes < LARGE ? atOnce(work) : slices.do(work);
}
