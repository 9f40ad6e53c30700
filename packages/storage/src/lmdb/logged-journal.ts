import type { Clock } from '@keelson/api/clock';
import { ended } from '@keelson/component/promises';
import type { CompactionProgress, Entry, Journal, Write } from '../embedded/journal.ts';
import { LogFullError, type WriteAheadLog } from './write-ahead-log.ts';

/** Writes are moved on after so long, … */
const REST_MS = 500;
/** … or when there are so many, which bounds what a transaction holds. */
const MANY_WRITES = 1000;
const MANY_BYTES = 4 << 20;

/**
 * A database with a log before it (write-ahead log). A write is durable when the log has it, which is one wait for the disk where
 * a transaction of LMDB has two and a dozen pages; the transactions follow, each for all writes of a while.
 *
 *     append ──▶ log ──▶ pending (in memory, read from there) ──checkpoint──▶ database ──▶ the log's file is free
 *
 * Invariant: the database holds all writes up to some revision, `#pending` all after it, and the log at least those.
 */
export class LoggedJournal implements Journal {
  readonly #database: Journal;
  readonly #log: WriteAheadLog;
  readonly #clock: Clock;
  readonly #pending: Write[] = [];
  /** Of the pending values. */
  #bytes = 0;
  #checkpoint: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #closed = false;

  /** Both belong to the journal from now on. */
  constructor(database: Journal, log: WriteAheadLog, clock: Clock) {
    this.#database = database;
    this.#log = log;
    this.#clock = clock;
    this.#hold(log.takeRecovered());
  }

  get compaction(): CompactionProgress {
    return this.#database.compaction;
  }

  async append(writes: readonly Write[]): Promise<void> {
    this.assertHealthy();
    await this.#write(writes);
    this.#hold(writes);
    if (this.#pending.length >= MANY_WRITES || this.#bytes >= MANY_BYTES) this.#moveNow();
  }

  entry(revision: number): Entry | undefined {
    return this.#pendingAt(revision)?.entry ?? this.#database.entry(revision);
  }

  *entries(from: number, to: number): Iterable<Entry> {
    const first = this.#pending[0]?.entry.revision ?? Number.POSITIVE_INFINITY;
    // A transaction that has just ended shows what is still pending.
    yield* this.#database.entries(from, Math.min(to, first - 1));
    for (let i = Math.max(0, from - first); i < this.#pending.length; i++) {
      const { entry } = this.#pending[i]!;
      if (entry.revision > to) return;
      yield entry;
    }
  }

  value(revision: number): Uint8Array {
    return this.#pendingAt(revision)?.value ?? this.#database.value(revision);
  }

  async remove(revisions: readonly number[], progress: CompactionProgress): Promise<void> {
    // What is removed while the log has it would come back at the next start.
    while ((this.#pending[0]?.entry.revision ?? Number.POSITIVE_INFINITY) <= progress.compacted) await this.#move();
    await this.#database.remove(revisions, progress);
  }

  async size(): Promise<number> {
    return (await this.#database.size()) + this.#log.size;
  }

  assertHealthy(): void {
    this.#log.assertHealthy();
    this.#database.assertHealthy();
  }

  /** What cannot be moved on stays in the log. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    try {
      while (this.#pending.length > 0) await this.#move();
    } catch {
      // The next start finds it there.
    }
    await this.#database.close();
    this.#log.close();
  }

  #pendingAt(revision: number): Write | undefined {
    const first = this.#pending[0];
    return first && this.#pending[revision - first.entry.revision];
  }

  /** Makes room where need be. */
  async #write(writes: readonly Write[]): Promise<void> {
    for (;;) {
      try {
        await this.#log.append(writes);
        return;
      } catch (error) {
        if (!(error instanceof LogFullError) || this.#pending.length === 0) throw error;
        await this.#move();
      }
    }
  }

  #hold(writes: readonly Write[]): void {
    for (const write of writes) {
      this.#pending.push(write);
      this.#bytes += write.value.length;
    }
    if (this.#pending.length > 0) this.#moveSoon();
  }

  #moveSoon(): void {
    if (this.#closed) return;
    const move = () => {
      this.#cancelTimer = undefined;
      this.#moveNow();
    };
    this.#cancelTimer ??= this.#clock.after(REST_MS, move, { background: true });
  }

  /** Nobody waits for it: what fails stays pending, and is tried again. */
  #moveNow(): void {
    void ended(this.#move());
  }

  /** Resolves when all that was pending at the call has its place in the database. @throws StoreUnavailableError */
  #move(): Promise<void> {
    this.#checkpoint ??= this.#moveAll().finally(() => {
      this.#checkpoint = undefined;
      // What came meanwhile, and what failed.
      if (this.#pending.length > 0) this.#moveSoon();
    });
    return this.#checkpoint;
  }

  async #moveAll(): Promise<void> {
    this.#log.rotate();
    const last = this.#pending.at(-1)?.entry.revision ?? 0;
    while (this.#pending.length > 0 && this.#pending[0]!.entry.revision <= last) {
      const some = this.#pending.slice(0, MANY_WRITES).filter(({ entry }) => entry.revision <= last);
      await this.#database.append(some);
      this.#pending.splice(0, some.length);
      for (const { value } of some) this.#bytes -= value.length;
    }
    this.#log.release(last);
  }
}
