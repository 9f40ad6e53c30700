/**
 * What is to be done, each thing once. An item that is added while it waits is there already; one that is added while it is
 * worked on is put back when that is done, so that no two work on the same (client-go/util/workqueue/queue.go).
 *
 *     addAfter ─▶ waiting ─ its time has come ─▶ ┐
 *     add ──────────────────────────────────────▶ queued ── get ─▶ processing ── done ─▶ gone
 *                                                   ▲                  │ added meanwhile
 *                                                   └──────────────────┘
 */
import type { Clock } from '@keelson/api/clock';
import type { QueueMetrics } from '../metrics.ts';
import type { World } from '../world.ts';
import { defaultRateLimiter, type RateLimiter } from './ratelimiter.ts';

/** Items are told apart as Map keys are: strings such as `namespace/name` are the usual ones. */
export class WorkQueue<T> {
  readonly #clock: Clock;
  readonly #metrics: QueueMetrics | undefined;
  readonly #limiter: RateLimiter<T>;
  /** In order of arrival. */
  readonly #queued = new Set<T>();
  readonly #processing = new Set<T>();
  /** Added while they were worked on. */
  readonly #dirty = new Set<T>();
  readonly #waiting = new Map<T, { readonly at: number; readonly cancel: () => void }>();
  readonly #takers: ((item: T | undefined) => void)[] = [];
  #shutDown = false;

  /** @param name in metrics */
  constructor(
    { clock, metrics }: Pick<World, 'clock' | 'metrics'>,
    name: string,
    limiter: RateLimiter<T> = defaultRateLimiter<T>(clock),
  ) {
    this.#clock = clock;
    this.#metrics = metrics?.queue(name);
    this.#limiter = limiter;
  }

  /** Items that are ready for workers. */
  get length(): number {
    return this.#queued.size;
  }

  add(item: T): void {
    if (this.#shutDown || this.#queued.has(item) || this.#dirty.has(item)) return;
    this.#metrics?.added(item);
    if (this.#processing.has(item)) this.#dirty.add(item);
    else this.#enqueue(item);
  }

  /** Adds it later. Of several times for the same item the earliest holds. */
  addAfter(item: T, ms: number): void {
    if (this.#shutDown) return;
    this.#metrics?.retried();
    if (ms <= 0) {
      this.add(item);
      return;
    }
    const at = this.#clock.now() + ms;
    const waiting = this.#waiting.get(item);
    if (waiting && waiting.at <= at) return;
    waiting?.cancel();
    const cancel = this.#clock.after(ms, () => {
      this.#waiting.delete(item);
      this.add(item);
    });
    this.#waiting.set(item, { at, cancel });
  }

  /** Adds it after the time that its failures earn it. */
  addRateLimited(item: T): void {
    this.addAfter(item, this.#limiter.next(item));
  }

  forget(item: T): void {
    this.#limiter.forget(item);
  }

  /** How often it failed in a row. */
  failures(item: T): number {
    return this.#limiter.failures(item);
  }

  /** The next item, for which `done` must be called; undefined when the queue is shut down and empty. */
  get(): Promise<T | undefined> {
    for (const item of this.#queued) {
      this.#queued.delete(item);
      this.#begin(item);
      return Promise.resolve(item);
    }
    if (this.#shutDown) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  done(item: T): void {
    this.#processing.delete(item);
    this.#metrics?.done(item);
    if (this.#dirty.delete(item)) this.#enqueue(item);
  }

  /** Takes no more. What is queued is still given out; what waits for its time is dropped. */
  shutDown(): void {
    this.#shutDown = true;
    for (const { cancel } of this.#waiting.values()) cancel();
    this.#waiting.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #enqueue(item: T): void {
    const taker = this.#takers.shift();
    if (!taker) this.#queued.add(item);
    else {
      this.#begin(item);
      taker(item);
    }
  }

  #begin(item: T): void {
    this.#processing.add(item);
    this.#metrics?.begun(item);
  }
}
