/**
 * When watches are written to. To write a few bytes to a connection (an HTTP/2 frame, a TLS record, a system call) costs
 * many times what the bytes do, so events that come in quick succession go out together:
 *
 *     event ──▶ its watches wait, each once ──▶ some of them are written to ──▶ requests ──▶ some more ──▶ …
 *                                                 (the longest-waiting first)    │
 *                event, event, event: to those who still wait, in one piece ◀────┘
 *
 * What requests come meanwhile are answered between two slices, so that a few clients that write one object after another make
 * several events in the time that all watches take. A slice is short where few requests come, for the events to be more, and
 * grows with what they take, for the watches not to fall behind. Watches that are late are not kept waiting by requests: with a
 * thousand of them a slice is as long as that takes.
 */

/** Of the time that requests took since the last slice, … */
const SHARE = 0.5;
/** … but no fewer writes than these, … */
const FEW = 20;
/** … and no more. */
const MANY = 200;
/** Watches that have waited for so long are late, … */
const LATE_MS = 15;
/** … and are written to in longer slices, of so many writes. */
const OF_LATE = 100;
/** The cost of a write is averaged over so many slices, about. */
const AVERAGED = 8;

export class FanOut {
  readonly #now: () => number;
  /** Since when, by the clock of the slice before. */
  readonly #waiting = new Map<() => void, number>();
  #isUnderWay = false;
  /** When the last slice ended. */
  #since = 0;
  #msOfWrite = 0;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param write is called once, after the event loop's turn or one that follows */
  join(write: () => void): void {
    if (!this.#isUnderWay) this.#since = this.#now();
    if (!this.#waiting.has(write)) this.#waiting.set(write, this.#since);
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    setImmediate(this.#slice);
  }

  readonly #slice = (): void => {
    const startedAt = this.#now();
    const size = this.#sizeAfter(startedAt - this.#since);
    let writes = 0;
    for (const [write, since] of this.#waiting) {
      if (writes >= size && (writes >= OF_LATE || startedAt - since < LATE_MS)) break;
      writes++;
      this.#waiting.delete(write);
      write();
    }
    // Connections send what was written to them in ticks of their own, which were asked for before this one.
    process.nextTick(() => {
      this.#since = this.#now();
      this.#msOfWrite += ((this.#since - startedAt) / writes - this.#msOfWrite) / AVERAGED;
    });
    this.#isUnderWay = this.#waiting.size > 0;
    if (this.#isUnderWay) setImmediate(this.#slice);
  };

  /** @returns how many writes take their share of `ms` */
  #sizeAfter(ms: number): number {
    if (this.#msOfWrite === 0) return FEW;
    return Math.max(FEW, Math.min(MANY, Math.round((ms * SHARE) / this.#msOfWrite)));
  }
}
