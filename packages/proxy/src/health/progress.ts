/** Whether parts of a process keep up with the cluster, as a kube-proxy's port tells it (pkg/proxy/healthcheck/proxy_health.go). */
import type { PlainAnswer } from '@keelson/component/serving/plain';

interface PartProgress {
  updated: number;
  /** Since when a change waits. */
  waiting: number | undefined;
}

/** A part is known from its first update on. */
export class Progress<Part extends string> {
  readonly #timeoutMs: number;
  readonly #now: () => number;
  readonly #parts = new Map<Part, PartProgress>();

  /** @param timeoutMs so long a change may wait */
  constructor(timeoutMs: number, now: () => number) {
    this.#timeoutMs = timeoutMs;
    this.#now = now;
  }

  changed(part: Part): void {
    const progress = this.#parts.get(part);
    if (progress) progress.waiting ??= this.#now();
  }

  updated(part: Part): void {
    this.#parts.set(part, { updated: this.#now(), waiting: undefined });
  }

  get isHealthy(): boolean {
    return [...this.#parts.values()].every((progress) => this.#keepsUp(progress));
  }

  /** @param isWell where more is asked than that all parts keep up @param more what the answer says beside */
  answer(isWell = this.isHealthy, more: object = {}): PlainAnswer {
    const now = this.#now();
    const time = (ms: number) => new Date(ms).toISOString();
    const updated = Math.max(0, ...[...this.#parts.values()].map((progress) => progress.updated));
    const body = {
      lastUpdated: time(isWell ? now : updated),
      currentTime: time(now),
      ...more,
      healthy: this.isHealthy,
      status: Object.fromEntries(
        [...this.#parts].map(([part, progress]) => [
          part,
          { lastUpdated: time(progress.updated), healthy: this.#keepsUp(progress) },
        ]),
      ),
    };
    return { status: isWell ? 200 : 503, headers: JSON_HEADERS, body: JSON.stringify(body) };
  }

  #keepsUp({ waiting }: PartProgress): boolean {
    return waiting === undefined || this.#now() - waiting < this.#timeoutMs;
  }
}

export const JSON_HEADERS = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' };
