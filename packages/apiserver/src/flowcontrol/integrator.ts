/** Moments over time of a number that changes in steps (apiserver/pkg/util/flowcontrol/fairqueuing/integrator.go). */
export interface Moments {
  readonly seconds: number;
  /** Weighted by time; NaN when no time has passed. */
  readonly average: number;
  readonly deviation: number;
  readonly max: number;
}

export class Integrator {
  #value = 0;
  #at: number;
  #since: number;
  #integral = 0;
  #squares = 0;
  #max = 0;

  /** @param now milliseconds, as in all methods */
  constructor(now: number) {
    this.#at = now;
    this.#since = now;
  }

  get value(): number {
    return this.#value;
  }

  set(value: number, now: number): void {
    this.#pass(now);
    this.#value = value;
    if (value > this.#max) this.#max = value;
  }

  /** What was since the last reset; begins anew. */
  reset(now: number): Moments {
    this.#pass(now);
    const seconds = (now - this.#since) / 1000;
    const average = this.#integral / seconds;
    const variance = this.#squares / seconds - average * average;
    const moments = { seconds, average, deviation: Math.sqrt(Math.max(0, variance)), max: this.#max };
    this.#since = now;
    this.#integral = 0;
    this.#squares = 0;
    this.#max = this.#value;
    return moments;
  }

  #pass(now: number): void {
    const seconds = (now - this.#at) / 1000;
    this.#at = now;
    this.#integral += this.#value * seconds;
    this.#squares += this.#value * this.#value * seconds;
  }
}
