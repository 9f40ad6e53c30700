import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ByteKey } from './bytekey.ts';
import { type Entry, FIRST_REVISION, type Journal } from './journal.ts';
import { SortedEntries } from './sorted-entries.ts';

/** How many entries one turn of the event loop reads when a journal is opened: some 10 ms. */
const ENTRIES_PER_TURN = 5000;

/**
 * The newest committed entry of every key: what conflicts are decided by and lists walk over. Tombstones are
 * kept apart until compaction passes them, because a read of an older revision has to find their past.
 */
export class KeyIndex {
  readonly live = new SortedEntries<Entry>();
  readonly dead = new SortedEntries<Entry>();
  #revision = FIRST_REVISION;

  /** Of all that is in a journal, which nobody writes to yet; in between others have turns of the event loop. */
  static async of(journal: Journal): Promise<KeyIndex> {
    const index = new KeyIndex();
    while (index.#applySome(journal)) await nextTurn();
    return index;
  }

  /** That of the newest entry. */
  get revision(): number {
    return this.#revision;
  }

  /** The key's newest entry, which may be a tombstone. */
  newest(key: ByteKey): Entry | undefined {
    return this.live.get(key) ?? this.dead.get(key);
  }

  /** The live keys that have a time to live. */
  expiring(): Entry[] {
    return this.live.range('' as ByteKey, undefined).filter((entry) => entry.expiresAt > 0);
  }

  /** Takes note of a committed write. */
  apply(entry: Entry): void {
    this.#revision = entry.revision;
    if (entry.version === 0) {
      this.live.delete(entry.key);
      this.dead.set(entry);
    } else {
      if (entry.version === 1) this.dead.delete(entry.key);
      this.live.set(entry);
    }
  }

  /** Drops a tombstone that was compacted away, unless the key was written again. */
  forget(tombstone: Entry): void {
    if (this.dead.get(tombstone.key)?.revision === tombstone.revision) this.dead.delete(tombstone.key);
  }

  /** @returns whether there may be more */
  #applySome(journal: Journal): boolean {
    let seen = 0;
    for (const entry of journal.entries(this.#revision + 1, Number.MAX_SAFE_INTEGER)) {
      this.apply(entry);
      if (++seen === ENTRIES_PER_TURN) return true;
    }
    return false;
  }
}
