import { setImmediate as nextTurn } from 'node:timers/promises';

/** Work that may be interrupted wherever it yields. */
export type Pieces<T> = Generator<undefined, T, undefined>;

/**
 * Does what takes long in slices, of which each turn of the event loop has one: whoever waits for something short waits for
 * one slice at most, however much is under way.
 *
 *     work A ──slice──┐           ┌──slice──┐
 *     work B          └──slice────┘         └──slice──▶      others have their turns between the slices
 */
export class Slices {
  readonly #now: () => number;
  /** Resolves when the slice before has been done. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** What the work returns. @throws what it throws */
  async do<T>(work: Pieces<T>): Promise<T> {
    for (;;) {
      const slice = this.#last.then(async () => {
        await nextTurn();
        return this.#slice(work);
      });
      this.#last = slice.catch(() => {});
      const result = await slice;
      if (result.done) return result.value;
    }
  }

  #slice<T>(work: Pieces<T>): IteratorResult<undefined, T> {
    const startedAt = this.#now();
    for (;;) {
      const result = work.next();
      if (result.done || this.#now() - startedAt >= SLICE_MS) return result;
    }
  }
}

const SLICE_MS = 10;

/** One for the process, as its event loop is. */
export const slices = new Slices(() => performance.now());

/** The same without a break. */
export function atOnce<T>(work: Pieces<T>): T {
  for (;;) {
    const result = work.next();
    if (result.done) return result.value;
  }
}
