/**
 * Pauses between the restarts of a container (CrashLoopBackOff): none before the first, then 10 s, doubling to 5 min, and from
 * the beginning once one has run for twice the longest (client-go/util/flowcontrol/backoff.go, as the kubelet sets it).
 */
export interface CrashBackoffOptions {
  readonly firstMs?: number | undefined;
  readonly maxMs?: number | undefined;
}

interface Entry {
  readonly pauseMs: number;
  readonly at: number;
}

export class CrashBackoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #entries = new Map<string, Entry>();

  constructor({ firstMs = 10_000, maxMs = 300_000 }: CrashBackoffOptions = {}) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
  }

  /**
   * Asks whether a container that ended at `finishedAt` may be started again; if it may, that counts.
   * @returns the pause that it is in, and until when; undefined: now
   */
  start(
    key: string,
    finishedAt: number,
    now: number,
  ): { readonly pauseMs: number; readonly until: number } | undefined {
    const known = this.#entries.get(key);
    const entry = known && finishedAt - known.at <= 2 * this.#maxMs ? known : undefined;
    if (entry && now - finishedAt < entry.pauseMs) return { pauseMs: entry.pauseMs, until: finishedAt + entry.pauseMs };
    const pauseMs = entry ? Math.min(this.#maxMs, entry.pauseMs * 2) : Math.min(this.#maxMs, this.#firstMs);
    this.#entries.set(key, { pauseMs, at: now });
    return undefined;
  }
}
