/** What the language's promises lack. */

/**
 * For a promise that is waited for later, or by nobody where nobody needs it: what it fails of does not end the process
 * meanwhile. Whoever waits for it is told as ever.
 * @returns the promise
 */
export function heardLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Resolves when it has ended, well or not: whoever asked for it is told how. */
export async function ended(promise: Promise<unknown>): Promise<void> {
  await promise.then(
    () => {},
    () => {},
  );
}

/** Pieces of work that follow one another, in the order in which they came. */
export class Mutex {
  #last: Promise<void> = Promise.resolve();

  /** Begins when all before it have ended, well or not. @returns what it returns. @throws what it throws */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = ended(turn);
    return turn;
  }

  /** Resolves when all that came before the call has ended. Never throws. */
  idle(): Promise<void> {
    return this.#last;
  }
}
