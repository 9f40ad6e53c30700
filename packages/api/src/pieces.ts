/** Work that may be interrupted wherever it yields, so that whoever does it can let others have their turns. */
export type Pieces<T> = Generator<undefined, T, undefined>;

/** What the work returns, done without a break. @throws what it throws */
export function atOnce<T>(work: Pieces<T>): T {
  for (;;) {
    const result = work.next();
    if (result.done) return result.value;
  }
}
