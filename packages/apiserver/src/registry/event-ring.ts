/** The recent events of a watch cache, for watches that begin in the past. */
import type { CacheEvent } from './cacher.ts';

const DEFAULT_CAPACITY = 10_000;
/** What remembered events may hold besides the objects that are there anyway. */
const MAX_BYTES = 32 * 1024 * 1024;
/** So much more than it may hold it comes to hold before the oldest are dropped, all at once. */
const SLACK = 1.25;

/** Holds every event in (`start`, newest]. */
export class EventRing {
  readonly #capacity: number;
  readonly #events: CacheEvent[] = [];
  #start = 0;
  #bytes = 0;

  constructor(capacity = DEFAULT_CAPACITY) {
    this.#capacity = capacity;
  }

  /** The oldest revision after which all events are here. */
  get start(): number {
    return this.#start;
  }

  /** The revision of the newest event; of the start, when there was none since. */
  get last(): number {
    return this.#events.at(-1)?.revision ?? this.#start;
  }

  /** Forgets all. @param revision where it starts from now on */
  restart(revision: number): void {
    this.#events.length = 0;
    this.#bytes = 0;
    this.#start = revision;
  }

  /** In order of revision. */
  after(revision: number): CacheEvent[] {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }

  /** @param events newer than all that are here, in order. @returns those that are here no more, the oldest first */
  add(events: readonly CacheEvent[]): readonly CacheEvent[] {
    for (const event of events) {
      this.#events.push(event);
      this.#bytes += event.object.bytes.length;
    }
    if (this.#events.length <= this.#capacity * SLACK && this.#bytes <= MAX_BYTES * SLACK) return [];
    let drop = Math.max(0, this.#events.length - this.#capacity);
    for (let i = 0; i < this.#events.length && (i < drop || this.#bytes > MAX_BYTES); i++) {
      this.#bytes -= this.#events[i]!.object.bytes.length;
      drop = Math.max(drop, i + 1);
    }
    const dropped = this.#events.splice(0, drop);
    this.#start = dropped.at(-1)!.revision;
    return dropped;
  }
}
