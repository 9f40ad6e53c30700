import { ended } from '@keelson/component/promises';
import { StoreUnavailableError } from '../store.ts';
import type { ByteKey } from './bytekey.ts';
import type { Entry, Journal, Write } from './journal.ts';
import type { KeyIndex } from './key-index.ts';

/** Bounds what one commit copies in one turn of the event loop. */
const MAX_BATCH_WRITES = 1000;
const MAX_BATCH_BYTES = 8 << 20;

/** A put, or a delete if `value` is undefined. */
export interface Change {
  readonly key: ByteKey;
  readonly value: Uint8Array | undefined;
  /** The modRevision the key must have; 0: it must not exist. */
  readonly expect: number;
  readonly expiresAt: number;
}

/**
 * Decides writes one after the other, and makes those that arrive while the disk is busy durable together.
 *
 * A write is decided at once, on the state that will be when all writes before it are on disk; its revision is
 * assigned then. Nobody sees that state before it is durable: readers, watchers, and the losers of a conflict too,
 * look at what is committed.
 */
export class GroupCommit {
  readonly #journal: Journal;
  readonly #index: KeyIndex;
  readonly #onCommitted: (writes: readonly Write[]) => void;
  /** The newest decided entry of each key that has one that is not committed. */
  readonly #decided = new Map<ByteKey, Entry>();
  /** The first is on its way to the disk while `#flushing`; writes join the last. */
  #batches: Batch[] = [];
  #flushing = false;
  #assigned: number;
  #closed = false;

  /** @param onCommitted told of each batch after the index has it and before its writers hear of it */
  constructor(journal: Journal, index: KeyIndex, onCommitted: (writes: readonly Write[]) => void) {
    this.#journal = journal;
    this.#index = index;
    this.#assigned = index.revision;
    this.#onCommitted = onCommitted;
  }

  /** The newest durable revision. */
  get committed(): number {
    return this.#index.revision;
  }

  /**
   * @returns the revision of the write once it is durable, undefined if the key's committed state is not the expected one
   * @throws StoreUnavailableError when it could not be written; then it was not.
   */
  async write(change: Change): Promise<number | undefined> {
    for (;;) {
      if (this.#closed) throw new StoreUnavailableError('the store is closed');
      const committed = this.#index.newest(change.key);
      const decided = this.#decided.get(change.key);
      if (liveRevision(decided ?? committed) === change.expect) {
        const { entry, batch } = this.#enqueue(change, decided ?? committed);
        await batch.settled;
        return entry.revision;
      }
      if (decided === undefined || liveRevision(committed) !== change.expect) return undefined;
      // Lost against a write that is not on disk yet: the answer must wait until it is, or has failed.
      const before = this.#batchOf(decided);
      if (before) await ended(before.settled);
    }
  }

  /** Refuses further writes; resolves when the accepted ones are durable or have failed. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const batch of [...this.#batches]) await ended(batch.settled);
  }

  #enqueue({ key, value, expiresAt }: Change, before: Entry | undefined): { entry: Entry; batch: Batch } {
    const revision = ++this.#assigned;
    const alive = before !== undefined && before.version > 0;
    const entry: Entry = {
      key,
      revision,
      createRevision: alive ? before.createRevision : revision,
      version: value === undefined ? 0 : alive ? before.version + 1 : 1,
      previous: before?.revision ?? 0,
      expiresAt,
    };
    this.#decided.set(key, entry);
    const batch = this.#batchToJoin();
    batch.add({ entry, value: value ?? empty });
    if (!this.#flushing) {
      this.#flushing = true;
      // After all requests that this turn works on have got so far: their writes go together.
      process.nextTick(() => void this.#flush());
    }
    return { entry, batch };
  }

  #batchToJoin(): Batch {
    const last = this.#batches.at(-1);
    if (last !== undefined && !last.closed) return last;
    const batch = new Batch();
    this.#batches.push(batch);
    return batch;
  }

  async #flush(): Promise<void> {
    for (let batch = this.#batches[0]; batch !== undefined; batch = this.#batches[0]) {
      batch.closed = true;
      try {
        await this.#journal.append(batch.writes);
      } catch (error) {
        this.#abandon(error);
        continue;
      }
      this.#commit(batch);
    }
    this.#flushing = false;
  }

  #commit(batch: Batch): void {
    for (const { entry } of batch.writes) {
      this.#index.apply(entry);
      if (this.#decided.get(entry.key) === entry) this.#decided.delete(entry.key);
    }
    this.#batches.shift();
    this.#onCommitted(batch.writes);
    batch.resolve();
  }

  /** What was decided after the failed batch counted on it, so all of it fails. Its revisions were seen by nobody. */
  #abandon(error: unknown): void {
    const cause = error instanceof StoreUnavailableError ? error : unavailable(error);
    const abandoned = this.#batches;
    this.#batches = [];
    this.#decided.clear();
    this.#assigned = this.#index.revision;
    for (const batch of abandoned) batch.reject(cause);
  }

  #batchOf(entry: Entry): Batch | undefined {
    return this.#batches.find((batch) => entry.revision <= batch.lastRevision);
  }
}

/** Writes that become durable together. */
class Batch {
  readonly writes: Write[] = [];
  readonly settled: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  /** No further write may join. */
  closed = false;
  #bytes = 0;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.settled = promise;
    this.resolve = resolve;
    this.reject = reject;
  }

  get lastRevision(): number {
    return this.writes.at(-1)!.entry.revision;
  }

  add(write: Write): void {
    this.writes.push(write);
    this.#bytes += write.value.length;
    if (this.writes.length >= MAX_BATCH_WRITES || this.#bytes >= MAX_BATCH_BYTES) this.closed = true;
  }
}

const empty = new Uint8Array(0);

function liveRevision(entry: Entry | undefined): number {
  return entry !== undefined && entry.version > 0 ? entry.revision : 0;
}

function unavailable(cause: unknown): StoreUnavailableError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StoreUnavailableError(`the store could not write: ${reason}`, { cause });
}
