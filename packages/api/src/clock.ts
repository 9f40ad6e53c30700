/** Where everything takes its time from; tests bring one that they move themselves. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `callback` once, `ms` milliseconds from now, unless the returned function is called before. */
  after(ms: number, callback: () => void, options?: TimerOptions): () => void;
}

export interface TimerOptions {
  /** The process may end before the callback ran: nobody waits for it. */
  readonly background?: boolean;
}

/** The machine's time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback, { background = false } = {}) {
    let timer: NodeJS.Timeout;
    let left = ms;
    const wait = () => {
      const step = Math.min(left, LONGEST_TIMER_MS);
      left -= step;
      timer = setTimeout(left > 0 ? wait : callback, step);
      if (background) timer.unref();
    };
    wait();
    return () => clearTimeout(timer);
  },
};

/** What a timer of the machine takes at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A clock for tests: time passes when `advance` says so. */
export class ManualClock implements Clock {
  #now: number;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  /** @param now milliseconds since the epoch */
  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Runs what becomes due within the next `ms` milliseconds, each timer at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }
}
