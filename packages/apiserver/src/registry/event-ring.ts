/** The recent events of a watch cache, for watches that begin in the past. */
import type { CacheEvent } from './cacher.ts';

const DEFAULT_CAPACITY = 10_000;
/** What remembered events may hold besides the objects that are there anyway. */
const MAX_BYTES = 32 * 1024 * 1024;
/** So much more than it may hold it comes to hold before the oldest are dropped, all at once. */
const SLACK = 1.25;
/** The newest, which stay however old they are: the least that upstream's cache holds (apiserver/pkg/storage/cacher, its lower bound). */
const KEPT = 100;

/** Holds every event in (`start`, newest]. */
export class EventRing {
  readonly #capacity: number;
  readonly #events: CacheEvent[] = [];
  #start = 0;
  #bytes = 0;
  /** How many were here when the old ones were last forgotten. */
  #old = 0;

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
    this.#old = 0;
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
    let bytes = this.#bytes;
    let count = 0;
    while (count < this.#events.length && (this.#events.length - count > this.#capacity || bytes > MAX_BYTES)) {
      bytes -= this.#events[count]!.object.bytes.length;
      count++;
    }
    return this.#drop(count);
  }

  /** There is more than what stays. */
  get canForget(): boolean {
    return this.#events.length > KEPT;
  }

  /** Those that were here at the last call, too, are old. @returns those that are here no more, the oldest first */
  forgetOld(): readonly CacheEvent[] {
    const dropped = this.#drop(Math.min(this.#old, Math.max(0, this.#events.length - KEPT)));
    this.#old = this.#events.length;
    return dropped;
  }

  #drop(count: number): readonly CacheEvent[] {
    if (count === 0) return [];
    const dropped = this.#events.splice(0, count);
    for (const { object } of dropped) this.#bytes -= object.bytes.length;
    this.#old = Math.max(0, this.#old - count);
    this.#start = dropped.at(-1)!.revision;
    return dropped;
  }
}
