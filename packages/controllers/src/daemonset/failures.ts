import type { Clock } from '@keelson/api/clock';

const FIRST_MS = 1000;
const MAX_MS = 15 * 60 * 1000;

/** How long failed pods are left alone before they are replaced: a second, doubling to a quarter of an hour. */
export class FailureBackoff {
  readonly #clock: Clock;
  readonly #entries = new Map<string, { readonly ms: number; readonly since: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds that are left; 0 where it has not failed, or long enough ago. */
  remaining(key: string): number {
    const entry = this.#entries.get(key);
    return entry ? Math.max(0, entry.since + entry.ms - this.#clock.now()) : 0;
  }

  failed(key: string): void {
    const now = this.#clock.now();
    for (const [other, { since }] of this.#entries) if (now - since > 2 * MAX_MS) this.#entries.delete(other);
    const before = this.#entries.get(key);
    this.#entries.set(key, { ms: before ? Math.min(before.ms * 2, MAX_MS) : FIRST_MS, since: now });
  }
}
