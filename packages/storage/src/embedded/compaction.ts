import { setImmediate as nextTurn } from 'node:timers/promises';
import { ended, Mutex } from '@keelson/component/promises';
import { CompactedError, FutureRevisionError } from '../store.ts';
import type { Entry, Journal } from './journal.ts';

/** How many entries one turn of the event loop looks at, and one transaction removes. */
const ENTRIES_PER_TURN = 500;

/**
 * Forgets the past in two steps. First the compacted revision is raised, from when on older reads are refused;
 * then the entries that nobody can read any more are removed, bit by bit ("scrubbed"). A crash in between costs nothing: the next start goes on.
 *
 * Compacting at C, a key's entry is kept if it is the newest one at or below C, for a read at C needs it. So each
 * entry up to C condemns the one before it. A tombstone below C goes too; the one at C stays until the next
 * compaction, because a watch may start at C.
 *
 *     revision   1    2    3    4    5         compact(4) removes 1 (superseded by 3) and 2 (by 4);
 *                a    b    a    b✗   a         the tombstone 4 is left for the next compaction
 */
export class Compaction {
  readonly #journal: Journal;
  readonly #committed: () => number;
  readonly #onTombstoneRemoved: (tombstone: Entry) => void;
  readonly #readers = new Set<{ readonly revision: number }>();
  #readerLeft: (() => void) | undefined;
  readonly #passes = new Mutex();
  #closed = false;

  constructor(journal: Journal, committed: () => number, onTombstoneRemoved: (tombstone: Entry) => void) {
    this.#journal = journal;
    this.#committed = committed;
    this.#onTombstoneRemoved = onTombstoneRemoved;
    // What fails of it is left to the next compaction.
    if (this.#unfinished) void ended(this.#passes.run(() => this.#scrub()));
  }

  get compacted(): number {
    return this.#journal.compaction.compacted;
  }

  /**
   * Keeps entries that a read at `revision` needs until the returned function is called.
   * @throws CompactedError, FutureRevisionError
   */
  pin(revision: number): () => void {
    if (revision < this.compacted) throw new CompactedError(this.compacted);
    if (revision > this.#committed()) throw new FutureRevisionError(this.#committed());
    const reader = { revision };
    this.#readers.add(reader);
    return () => {
      this.#readers.delete(reader);
      this.#readerLeft?.();
    };
  }

  /**
   * Resolves when the entries are gone; one compaction runs at a time.
   * @throws CompactedError, FutureRevisionError, StoreUnavailableError
   */
  compact(revision: number): Promise<void> {
    return this.#passes.run(async () => {
      if (revision <= this.compacted) throw new CompactedError(this.compacted);
      if (revision > this.#committed()) throw new FutureRevisionError(this.#committed());
      await this.#journal.remove([], { ...this.#journal.compaction, compacted: revision });
      await this.#scrub();
    });
  }

  /** Stops after the transaction under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#readerLeft?.();
    await this.#passes.idle();
  }

  get #unfinished(): boolean {
    return this.#journal.compaction.scrubbed < this.compacted;
  }

  async #scrub(): Promise<void> {
    while (this.#unfinished && !this.#closed) {
      const limit = Math.min(this.compacted, ...[...this.#readers].map((reader) => reader.revision));
      if (limit > this.#journal.compaction.scrubbed) {
        await this.#scrubSome(limit);
        await nextTurn();
      } else {
        await new Promise<void>((resolve) => {
          this.#readerLeft = resolve;
        });
      }
    }
  }

  async #scrubSome(limit: number): Promise<void> {
    const { compacted, scrubbed: start } = this.#journal.compaction;
    const removed: number[] = [];
    const tombstones: Entry[] = [];
    let scrubbed = limit;
    let seen = 0;
    // From `start` on, not after it: a tombstone that the last compaction had to leave is there.
    for (const entry of this.#journal.entries(start, limit)) {
      if (entry.previous > 0) removed.push(entry.previous);
      if (entry.version === 0 && entry.revision < limit) {
        removed.push(entry.revision);
        tombstones.push(entry);
      }
      if (++seen === ENTRIES_PER_TURN) {
        scrubbed = entry.revision;
        break;
      }
    }
    await this.#journal.remove(removed, { compacted, scrubbed });
    for (const tombstone of tombstones) this.#onTombstoneRemoved(tombstone);
  }
}
