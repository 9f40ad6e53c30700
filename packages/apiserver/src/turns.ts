/**
 * Gathers the requests that have work to do and lets them work one right after the other, at the end of the event loop's turn
 * in which they came. What they write becomes one commit of the store, one message to etcd, one record of each connection; and
 * the same code runs for all of them on warm caches. Beside requests that work as they come a POST of a pod costs half of the
 * CPU time, and three quarters more of them are done (bench/README.md).
 *
 * Clients that are answered together ask again together, yet the first of their requests often comes a moment before the others:
 * where fewer wait than worked in the turn before, one more turn of the event loop is given to the rest, and another as long as
 * there are more of them each time.
 */
export class Turns {
  readonly #now: () => number;
  #waiting: (() => void)[] = [];
  #isWorking = false;
  #size = FIRST;
  /** How many worked in the turn before. */
  #usual = 0;
  /** How many waited when the rest was last given a turn to come. */
  #seen = 0;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Resolves when it is the caller's turn, in the order of the calls. */
  take(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#isWorking) return;
      this.#isWorking = true;
      setImmediate(this.#work);
    });
  }

  readonly #work = (): void => {
    if (this.#waiting.length === 0) {
      this.#isWorking = false;
      return;
    }
    if (this.#seen < this.#waiting.length && this.#waiting.length < this.#usual) {
      this.#seen = this.#waiting.length;
      setImmediate(this.#work);
      return;
    }
    const startedAt = this.#now();
    const working = this.#waiting.splice(0, this.#size);
    // Those who were left over have waited long enough.
    this.#usual = this.#waiting.length > 0 ? 0 : working.length;
    this.#seen = 0;
    for (const resolve of working) resolve();
    setImmediate(() => {
      this.#adapt(this.#now() - startedAt);
      this.#work();
    });
  };

  /** Fewer, where they have held up the event loop. */
  #adapt(tookMs: number): void {
    if (tookMs > LONG_MS) this.#size = Math.max(1, this.#size >> 1);
    else if (tookMs < LONG_MS / 2) this.#size = Math.min(MOST, this.#size * 2);
  }
}

const MOST = 64;
/** Until it has been seen what they take: after a start the code is cold, and each takes ten times as long. */
const FIRST = 8;
const LONG_MS = 20;

/** One for the process, as its event loop is. */
export const turns = new Turns(() => performance.now());
