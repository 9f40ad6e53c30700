/**
 * For how long a ratio was how large: a histogram whose observations are weighted by time, in nanoseconds
 * (component-base/metrics/prometheusextension/timing_histogram.go, …/flowcontrol/metrics/timing_ratio_histogram.go).
 */
export class TimedRatio {
  readonly bounds: readonly number[];
  /** Of each bucket alone; the last is beyond all bounds. */
  readonly weights: number[];
  /** Of ratio × nanoseconds. */
  sum = 0;
  #numerator = 0;
  #denominator = 1;
  #bucket = 0;
  #at: number;

  /** @param now milliseconds, perhaps with fractions, as in all methods */
  constructor(bounds: readonly number[], now: number) {
    this.bounds = bounds;
    this.weights = new Array<number>(bounds.length + 1).fill(0);
    this.#at = now;
  }

  add(difference: number, now: number): void {
    this.set(this.#numerator + difference, now);
  }

  set(numerator: number, now: number): void {
    this.pass(now);
    this.#numerator = numerator;
    this.#find();
  }

  /** @param denominator what the number is a part of */
  limit(denominator: number, now: number): void {
    this.pass(now);
    this.#denominator = denominator;
    this.#find();
  }

  /** Counts the time until now. */
  pass(now: number): void {
    const nanoseconds = Math.round((now - this.#at) * 1e6);
    if (nanoseconds <= 0) return;
    this.#at = now;
    this.weights[this.#bucket]! += nanoseconds;
    this.sum += (this.#numerator / this.#denominator) * nanoseconds;
  }

  #find(): void {
    const ratio = this.#numerator / this.#denominator;
    let i = 0;
    while (i < this.bounds.length && ratio > this.bounds[i]!) i++;
    this.#bucket = i;
  }
}
