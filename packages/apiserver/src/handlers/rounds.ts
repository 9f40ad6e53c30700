/**
 * When watches are written to. To write a few bytes to a connection (an HTTP/2 frame, a TLS record, a system call) costs
 * many times what the bytes do, so events that come in quick succession go out together:
 *
 *     event ──▶ a round, at the end of the event loop's turn
 *     event, event, event, while it lasts ──▶ one round for all
 *
 * Those who are answered before a round ask again while it lasts, and what they write comes together in the next one: a pause
 * between the two would have them come one by one. A store that is elsewhere tells of their writes one by one anyway; a pause
 * gathers them (bench/README.md).
 */

/** Between two turns of the event loop. */
const WRITES_PER_TURN = 200;

export class Rounds {
  readonly #pauseMs: number;
  #waiting = new Set<() => void>();
  #isUnderWay = false;

  /** @param pauseMs between a round and the next */
  constructor(pauseMs: number) {
    this.#pauseMs = pauseMs;
  }

  /** @param write is called once, in the next round */
  join(write: () => void): void {
    this.#waiting.add(write);
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    setImmediate(this.#begin);
  }

  readonly #begin = (): void => {
    if (this.#waiting.size === 0) {
      this.#isUnderWay = false;
      return;
    }
    const writes = [...this.#waiting];
    this.#waiting.clear();
    this.#run(writes, 0);
  };

  #run(writes: readonly (() => void)[], from: number): void {
    const to = Math.min(writes.length, from + WRITES_PER_TURN);
    for (let i = from; i < to; i++) writes[i]!();
    if (to < writes.length) setImmediate(() => this.#run(writes, to));
    else if (this.#pauseMs > 0) setTimeout(this.#begin, this.#pauseMs);
    else setImmediate(this.#begin);
  }
}
