import type { ByteKey } from './bytekey.ts';
import type { Entry } from './journal.ts';
import { SortedEntries } from './sorted-entries.ts';

/**
 * The newest committed entry of every key: what conflicts are decided by and lists walk over. Tombstones are
 * kept apart until compaction passes them, because a read of an older revision has to find their past.
 */
export class KeyIndex {
  readonly live: SortedEntries<Entry>;
  readonly dead: SortedEntries<Entry>;

  /** @param entries all there are, by ascending revision */
  constructor(entries: Iterable<Entry>) {
    const newest = new Map<ByteKey, Entry>();
    for (const entry of entries) newest.set(entry.key, entry);
    const sorted = [...newest.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    this.live = SortedEntries.from(sorted.filter((entry) => entry.version > 0));
    this.dead = SortedEntries.from(sorted.filter((entry) => entry.version === 0));
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
}
