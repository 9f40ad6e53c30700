import type { Clock } from '@keelson/api/clock';
import type { Entry } from './journal.ts';

/** Expired keys are looked for this often; etcd's lessor looks twice a second. */
const TICK_MS = 500;

/** Remembers which keys have a time to live, and has them deleted once it is over. */
export class Expiry {
  readonly #clock: Clock;
  readonly #expire: (entry: Entry) => Promise<void>;
  /** Entries by the tick in which they expire. Entries that were overwritten since are in it too. */
  readonly #due = new Map<number, Entry[]>();
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
    const now = Math.floor(this.#clock.now() / TICK_MS);
    const due = [...this.#due].filter(([tick]) => tick <= now);
    for (const [tick, entries] of due) {
      this.#due.delete(tick);
      for (const entry of entries) {
        this.#expire(entry).catch(() => {
          if (!this.#closed) this.#addAt(now + 1, entry);
        });
      }
    }
    if (this.#due.size > 0) this.#scheduleTick();
  }
}
