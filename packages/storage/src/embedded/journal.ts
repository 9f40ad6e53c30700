import type { ByteKey } from './bytekey.ts';

/** etcd's revision before the first write. */
export const FIRST_REVISION = 1;

/** One write, as the journal keeps it. Immutable. */
export interface Entry {
  readonly key: ByteKey;
  readonly revision: number;
  readonly createRevision: number;
  /** Writes since the key was created, starting at 1; 0 for a tombstone. */
  readonly version: number;
  /**
   * The revision of the key's entry before this one, 0 if there is none. So the entries of a key form a chain
   * which leads from its newest state into the past, and ends at 0 or at an entry that was compacted away.
   */
  readonly previous: number;
  /** When the key is to be deleted, in milliseconds since the epoch; 0: never. */
  readonly expiresAt: number;
}

/** An entry with its value; a tombstone's is empty. */
export interface Write {
  readonly entry: Entry;
  readonly value: Uint8Array;
}

/**
 * What an embedded engine has to bring: an ordered, durable log of entries by revision. All that makes it a
 * `Store` (conflicts, revisions, lists, watches, compaction, ttl) is built on top by `EmbeddedStore`.
 */
export interface Journal {
  /**
   * Adds writes, whose revisions ascend and follow on the newest, all or none. Resolves once they are durable.
   * Never called again before it settled. When it rejects, nothing was added.
   */
  append(writes: readonly Write[]): Promise<void>;

  entry(revision: number): Entry | undefined;

  /** Entries with `from` ≤ revision ≤ `to`, ascending. Must be consumed in the same turn of the event loop. */
  entries(from: number, to: number): Iterable<Entry>;

  /** The value written at a revision that has an entry. Stays valid, is never changed. */
  value(revision: number): Uint8Array;

  /** Removes entries and notes how far compaction has come, all or none; resolves once that is durable. */
  remove(revisions: readonly number[], progress: CompactionProgress): Promise<void>;

  /** As last noted by `remove`. */
  readonly compaction: CompactionProgress;

  /** Bytes used. */
  size(): Promise<number>;

  /** @throws StoreUnavailableError if no write can succeed any more */
  assertHealthy(): void;

  /** Finishes what is under way and releases everything. */
  close(): Promise<void>;
}

export interface CompactionProgress {
  /** Reads below this revision are refused. */
  readonly compacted: number;
  /** Superseded entries up to this revision are gone. Trails `compacted` while a compaction runs. */
  readonly scrubbed: number;
}
