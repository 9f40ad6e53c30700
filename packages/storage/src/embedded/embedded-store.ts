import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '@keelson/api/clock';
import {
  type KeyValue,
  type ListOptions,
  type ListResult,
  type ReadOptions,
  type Store,
  StoreUnavailableError,
  type Watch,
  type WatchOptions,
  type WriteOptions,
  type WriteResult,
} from '../store.ts';
import { fromByteKey, prefixEnd, toByteKey } from './bytekey.ts';
import { Compaction } from './compaction.ts';
import { Expiry } from './expiry.ts';
import { type Change, GroupCommit } from './group-commit.ts';
import type { Entry, Journal } from './journal.ts';
import type { KeyIndex } from './key-index.ts';
import { WatchHub } from './watch-hub.ts';

/** How much one turn of the event loop reads. */
const READS_PER_TURN = 1000;
const STEPS_PER_TURN = 5000;
const BYTES_PER_TURN = 4 << 20;

/** A `Store` on top of a journal in this process. */
export class EmbeddedStore implements Store {
  readonly embedded = true;
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #index: KeyIndex;
  readonly #writer: GroupCommit;
  readonly #compaction: Compaction;
  readonly #watches: WatchHub;
  readonly #expiry: Expiry;
  #closing: Promise<void> | undefined;

  /**
   * @param journal is closed together with the store
   * @param index of what is in the journal
   */
  constructor(journal: Journal, index: KeyIndex, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
    this.#index = index;
    this.#expiry = new Expiry(clock, async (entry) => {
      await this.#writer.write({ key: entry.key, value: undefined, expect: entry.revision, expiresAt: 0 });
    });
    for (const entry of index.expiring()) this.#expiry.add(entry);

    const committed = () => this.#writer.committed;
    this.#writer = new GroupCommit(journal, index, (writes) => {
      for (const { entry } of writes) this.#expiry.add(entry);
      this.#watches.publish(writes);
    });
    this.#compaction = new Compaction(journal, committed, (tombstone) => index.forget(tombstone));
    this.#watches = new WatchHub(journal, committed, () => this.#compaction.compacted);
  }

  async currentRevision(): Promise<number> {
    this.#assertOpen();
    return this.#writer.committed;
  }

  async get(key: string, options: ReadOptions = {}): Promise<{ kv: KeyValue | undefined; revision: number }> {
    this.#assertOpen();
    const byteKey = toByteKey(key);
    if (!options.revision) {
      const entry = this.#index.live.get(byteKey);
      return { kv: entry && this.#read(entry), revision: this.#writer.committed };
    }
    const { revision } = options;
    const unpin = this.#compaction.pin(revision);
    try {
      const newest = this.#index.newest(byteKey);
      const [entry] = newest === undefined ? [] : await this.#asOf(revision, [newest]);
      return { kv: entry && this.#read(entry), revision };
    } finally {
      unpin();
    }
  }

  async list(options: ListOptions): Promise<ListResult> {
    this.#assertOpen();
    const revision = options.revision || this.#writer.committed;
    const unpin = this.#compaction.pin(revision);
    try {
      const prefix = toByteKey(options.prefix);
      const from = toByteKey(options.from ?? '');
      let start = prefix;
      if (from > start) start = from;
      const end = prefixEnd(prefix);
      const limit = options.limit || Number.POSITIVE_INFINITY;
      if (revision === this.#writer.committed) {
        const count = this.#index.live.count(start, end);
        return { kvs: await this.#readAll(this.#index.live.range(start, end, limit)), count, revision };
      }
      const newest = this.#index.live.range(start, end);
      const deleted = this.#index.dead.range(start, end);
      let entries = await this.#asOf(revision, newest);
      const deletedSince = await this.#asOf(revision, deleted);
      if (deletedSince.length > 0) {
        // Two sorted runs: sort() merges them in linear time.
        entries = entries.concat(deletedSince).sort((a, b) => (a.key < b.key ? -1 : 1));
      }
      return { kvs: await this.#readAll(entries.slice(0, limit)), count: entries.length, revision };
    } finally {
      unpin();
    }
  }

  put(key: string, value: Uint8Array, options: WriteOptions): Promise<WriteResult> {
    const { expect, ttlSeconds } = options;
    const expiresAt = ttlSeconds ? this.#clock.now() + ttlSeconds * 1000 : 0;
    return this.#write({ key: toByteKey(key), value, expect, expiresAt });
  }

  delete(key: string, { expect }: { readonly expect: number }): Promise<WriteResult> {
    if (!(expect > 0)) return Promise.reject(new RangeError('delete: expect must be the modRevision of the key'));
    return this.#write({ key: toByteKey(key), value: undefined, expect, expiresAt: 0 });
  }

  watch(options: WatchOptions): Watch {
    this.#assertOpen();
    return this.#watches.watch(options);
  }

  requestProgress(_revision: number): void {
    this.#watches.requestProgress();
  }

  async compact(revision: number): Promise<void> {
    this.#assertOpen();
    await this.#compaction.compact(revision);
  }

  async compactedRevision(): Promise<number> {
    this.#assertOpen();
    return this.#compaction.compacted;
  }

  async size(): Promise<number> {
    this.#assertOpen();
    return this.#journal.size();
  }

  async health(): Promise<void> {
    this.#assertOpen();
    this.#journal.assertHealthy();
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#watches.close();
      this.#expiry.close();
      await Promise.all([this.#writer.close(), this.#compaction.close()]);
      await this.#journal.close();
    })();
    return this.#closing;
  }

  async #write(change: Change): Promise<WriteResult> {
    const revision = await this.#writer.write(change);
    if (revision !== undefined) return { ok: true, revision };
    const current = this.#index.live.get(change.key);
    return { ok: false, current: current && this.#read(current), revision: this.#writer.committed };
  }

  /** What the given newest entries were at a pinned revision; keys that did not exist are left out. */
  async #asOf(revision: number, newest: readonly Entry[]): Promise<Entry[]> {
    const entries: Entry[] = [];
    let steps = 0;
    for (let entry of newest as (Entry | undefined)[]) {
      if (++steps % STEPS_PER_TURN === 0) await nextTurn();
      while (entry !== undefined && entry.revision > revision) {
        entry = entry.previous === 0 ? undefined : this.#journal.entry(entry.previous);
        if (++steps % STEPS_PER_TURN === 0) await nextTurn();
      }
      if (entry !== undefined && entry.version > 0) entries.push(entry);
    }
    return entries;
  }

  async #readAll(entries: readonly Entry[]): Promise<KeyValue[]> {
    const kvs: KeyValue[] = [];
    let bytes = 0;
    for (const entry of entries) {
      const kv = this.#read(entry);
      bytes += kv.value.length;
      if (kvs.push(kv) % READS_PER_TURN === 0 || bytes >= BYTES_PER_TURN) {
        bytes = 0;
        await nextTurn();
      }
    }
    return kvs;
  }

  #read({ key, revision, createRevision, version }: Entry): KeyValue {
    const value = this.#journal.value(revision);
    return { key: fromByteKey(key), value, createRevision, modRevision: revision, version };
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new StoreUnavailableError('the store is closed');
  }
}
