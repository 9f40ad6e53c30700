/**
 * When watches are written to. To write a few bytes to a connection (an HTTP/2 frame, a TLS record, a system call) costs
 * many times what the bytes do, so events that come in quick succession go out together:
 *
 *     event ──▶ a round at once, if there was none for a while
 *     event, event, event ──▶ one round for all, when the pause after the last one is over
 *
 * A pause is half as long as the round before it was, so that other work gets its third of the time however many watch. When
 * it was as long, 16 writers brought as many deliveries to 200 watchers, in 24 ms instead of 17 (median).
 */
const PAUSE = 0.5;
/** With 4 a pod that is made runs 1 ms later (13 ms for 12), and no more of them do. */
const MIN_PAUSE_MS = 1;
/** Between two turns of the event loop. */
const WRITES_PER_TURN = 200;

export class Rounds {
  readonly #now: () => number;
  #waiting = new Set<() => void>();
  #isPlanned = false;
  /** No round begins before. */
  #pauseUntil = 0;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param write is called once, in the next round */
  join(write: () => void): void {
    this.#waiting.add(write);
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    const pause = this.#pauseUntil - this.#now();
    if (pause > 0) setTimeout(() => this.#begin(), pause);
    else setImmediate(() => this.#begin());
  }

  #begin(): void {
    const writes = [...this.#waiting];
    this.#waiting.clear();
    this.#run(writes, 0, this.#now());
  }

  #run(writes: readonly (() => void)[], from: number, startedAt: number): void {
    const to = Math.min(writes.length, from + WRITES_PER_TURN);
    for (let i = from; i < to; i++) writes[i]!();
    if (to < writes.length) {
      setImmediate(() => this.#run(writes, to, startedAt));
      return;
    }
    // What is written is sent after this turn of the event loop, which costs more than to write it.
    setImmediate(() => this.#end(startedAt));
  }

  #end(startedAt: number): void {
    const now = this.#now();
    this.#pauseUntil = now + Math.max(MIN_PAUSE_MS, PAUSE * (now - startedAt));
    this.#isPlanned = false;
    const [next] = this.#waiting;
    if (next) this.join(next);
  }
}
