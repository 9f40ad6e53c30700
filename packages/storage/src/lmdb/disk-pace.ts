/** What the event loop waits for on average: a few times what handing a write to another thread and hearing of it costs. */
const QUICK_MS = 0.5;
/** Over so many writes, about. */
const AVERAGED = 16;
/** What it waits for now and then. After a write of d ms that took longer, d² further ones are not waited for: 10,000 after one of 100 ms. */
const STALL_MS = 5;
/** Nothing is known of the disk yet. */
const AT_FIRST = 100;

/** Learns from each write whether the event loop can wait for the next one, as a disk that has stalled will do so again. */
export class DiskPace {
  #averageMs = QUICK_MS;
  #cautious = AT_FIRST;

  get isQuick(): boolean {
    return this.#cautious === 0 && this.#averageMs < QUICK_MS;
  }

  /** @param ms that a write has taken */
  learn(ms: number): void {
    this.#averageMs += (ms - this.#averageMs) / AVERAGED;
    const cautious = ms > STALL_MS ? Math.ceil(ms * ms) : 0;
    this.#cautious = Math.max(0, this.#cautious - 1, cautious);
  }
}
