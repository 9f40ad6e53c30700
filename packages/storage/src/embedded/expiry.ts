import type { Clock } from '@keelson/api/clock';
import { Mutex } from '@keelson/component/promises';
import type { Entry } from './journal.ts';

/** Expired keys are looked for this often; etcd's lessor looks twice a second. */
const TICK_MS = 500;
/** How many are deleted at once: behind a pause of a day all that there is may have expired. */
const AT_ONCE = 1000;

/** Remembers which keys have a time to live, and has them deleted once it is over. */
export class Expiry {
  readonly #clock: Clock;
  readonly #expire: (entry: Entry) => Promise<void>;
  /** Entries by the tick in which they expire. Entries that were overwritten since are in it too. */
  readonly #due = new Map<number, Entry[]>();
  readonly #deletions = new Mutex();
  #cancelTick: (() => void) | undefined;
  #closed = false;

  /** @param expire deletes the key unless it was written since; when it rejects, it is called again a tick later */
  constructor(clock: Clock, expire: (entry: Entry) => Promise<void>) {
    this.#clock = clock;
    this.#expire = expire;
  }

  add(entry: Entry): void {
    if (entry.expiresAt === 0 || this.#closed) return;
    this.#addAt(Math.ceil(entry.expiresAt / TICK_MS), entry);
  }

  close(): void {
    this.#closed = true;
    this.#due.clear();
    this.#cancelTick?.();
  }

  #addAt(tick: number, entry: Entry): void {
    const entries = this.#due.get(tick);
    if (entries === undefined) this.#due.set(tick, [entry]);
    else entries.push(entry);
    this.#scheduleTick();
  }

  #scheduleTick(): void {
    this.#cancelTick ??= this.#clock.after(TICK_MS, () => this.#tick(), { background: true });
  }

  #tick(): void {
    this.#cancelTick = undefined;
    const due = [...this.#due].filter(([tick]) => tick <= this.#now);
    for (const [tick] of due) this.#due.delete(tick);
    const entries = due.flatMap(([, some]) => some);
    if (entries.length > 0) void this.#deletions.run(() => this.#expireAll(entries));
    if (this.#due.size > 0) this.#scheduleTick();
  }

  async #expireAll(entries: readonly Entry[]): Promise<void> {
    for (let i = 0; i < entries.length && !this.#closed; i += AT_ONCE) {
      await Promise.all(entries.slice(i, i + AT_ONCE).map((entry) => this.#expireOne(entry)));
    }
  }

  async #expireOne(entry: Entry): Promise<void> {
    try {
      await this.#expire(entry);
    } catch {
      if (!this.#closed) this.#addAt(this.#now + 1, entry);
    }
  }

  /** In ticks. */
  get #now(): number {
    return Math.floor(this.#clock.now() / TICK_MS);
  }
}
