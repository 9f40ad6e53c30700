/** When to come back, by how much has been refused lately (apiserver/pkg/util/flowcontrol/dropped_requests_tracker.go). */
const MAX_RETRY_AFTER_SECONDS = 32;

/** Of one priority level. Like TCP: doubled while many are refused, down by one when few are. */
export class DroppedRequests {
  #retryAfter = 1;
  #raisedAt = 0;
  #second = 0;
  #inSecond = 0;
  #history: { readonly second: number; readonly count: number }[] = [];

  /** Seconds. */
  get retryAfter(): number {
    return this.#retryAfter;
  }

  /** @param now milliseconds */
  record(now: number): void {
    const second = Math.floor(now / 1000);
    if (second === this.#second) {
      this.#inSecond++;
      return;
    }
    this.#history.push({ second: this.#second, count: this.#inSecond });
    const reach = Math.min(2 * this.#retryAfter, MAX_RETRY_AFTER_SECONDS);
    this.#history = this.#history.filter((h) => this.#second - h.second <= reach);
    this.#second = second;
    this.#inSecond = 1;
    this.#adapt(second);
  }

  #adapt(second: number): void {
    const span = this.#retryAfter;
    const recent = this.#history.filter((h) => second - h.second <= span && h.second < second);
    const dropped = recent.reduce((total, { count }) => total + count, 0);
    if (second - this.#raisedAt >= span && dropped >= 3 * span) {
      this.#retryAfter = Math.min(2 * span, MAX_RETRY_AFTER_SECONDS);
      this.#raisedAt = second;
    } else if (dropped < span && span > 1) this.#retryAfter--;
  }
}
