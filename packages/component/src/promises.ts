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

/**
 * What comes of the work, which goes on by itself where nobody waits for it any more.
 * @throws what the work throws; the signal's reason as soon as it is aborted
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
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

/** One round of work at a time. Who asks for one while one is under way has another behind it, with all who ask meanwhile. */
export class Rounds {
  readonly #work: () => Promise<void>;
  #isWanted = false;
  #running: Promise<void> | undefined;

  /** @param work never rejects */
  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Has a round begin, now or behind the one that is under way. */
  ask(): void {
    this.#isWanted = true;
    this.#running ??= this.#run();
  }

  /** Resolves when no round is under way, nor one to come. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false;
      await this.#work();
    }
    // In the step that found nothing more to do: who asks right behind it begins anew.
    this.#running = undefined;
  }
}
