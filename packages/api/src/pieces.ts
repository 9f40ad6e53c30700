/** Work that may be interrupted wherever it yields, so that whoever does it can let others have their turns. */
export type Pieces<T> = Generator<undefined, T, undefined>;

/** What the work returns, done without a break. @throws what it throws */
export function atOnce<T>(work: Pieces<T>): T {
  for (;;) {
    const result = work.next();
    if (result.done) return result.value;
  }
}

const STEPS = 256;
let steps = 0;

/**
 * To be asked at each step of a microsecond or so, whether it is time to yield: that a generator yields costs as much as such
 * a step, and what has few of them never does.
 */
export function isPieceOver(): boolean {
  steps++;
  if (steps < STEPS) return false;
  steps = 0;
  return true;
}
