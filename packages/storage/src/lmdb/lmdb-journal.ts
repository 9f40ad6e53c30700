import { stat } from 'node:fs/promises';
import { type CompactionProgress, type Entry, FIRST_REVISION, type Journal, type Write } from '../embedded/journal.ts';
import { StoreUnavailableError } from '../store.ts';
import { type Environment, openEnvironment } from './environment.ts';

const append = { append: true } as const;

/**
 * Keeps writes in an LMDB file. A commit writes the changed pages, flushes them (fdatasync), and then writes the page
 * that makes them count, synchronously too; it happens on a thread of its own. What `append` is
 * given becomes durable in one transaction, so a crash leaves all of it or nothing.
 */
export class LmdbJournal implements Journal {
  readonly #environment: Environment;
  #compaction: CompactionProgress;
  #newest: number;
  /** Why the file can't be written any more, once that is so. */
  #broken: Error | undefined;

  /** @throws StoreUnavailableError if the directory can't be opened, or is open already */
  constructor(directory: string) {
    this.#environment = openEnvironment(directory);
    this.#compaction = this.#environment.meta.get('meta')!;
    this.#newest = this.#newestOnDisk();
  }

  get compaction(): CompactionProgress {
    return this.#compaction;
  }

  /** No revision above this one was ever written. */
  get newest(): number {
    return Math.max(this.#newest, this.#compaction.compacted, FIRST_REVISION);
  }

  /** The library's thread does all of it: what is put here is put down for it, as one transaction. */
  async append(writes: readonly Write[]): Promise<void> {
    const { root, entries, values } = this.#environment;
    try {
      await this.#transaction(async () => {
        const puts: Promise<boolean>[] = [];
        const all = root.batch(() => {
          for (const { entry, value } of writes) {
            puts.push(entries.put(entry.revision, entry, append as never));
            if (entry.version > 0) puts.push(values.put(entry.revision, value as Buffer, append as never));
          }
        });
        const [, ...done] = await Promise.all([all, ...puts]);
        if (done.includes(false)) throw new Error('a revision was there before');
      });
    } catch (error) {
      // What was reported as failed must not be there.
      if (this.#broken === undefined && this.#newestOnDisk() !== this.#newest) this.#broken = error as Error;
      throw error;
    }
    this.#newest = writes.at(-1)!.entry.revision;
  }

  entry(revision: number): Entry | undefined {
    return this.#environment.entries.get(revision);
  }

  *entries(from: number, to: number): Iterable<Entry> {
    for (const { value } of this.#environment.entries.getRange({ start: from, end: to + 1 })) yield value;
  }

  value(revision: number): Uint8Array {
    return this.#environment.values.getBinary(revision) ?? empty;
  }

  async remove(revisions: readonly number[], progress: CompactionProgress): Promise<void> {
    const { root, entries, values, meta } = this.#environment;
    const change = () => {
      for (const revision of revisions) {
        entries.remove(revision);
        values.remove(revision);
      }
      meta.put('meta', { ...meta.get('meta')!, ...progress });
    };
    await this.#transaction(() => root.childTransaction(change));
    this.#compaction = progress;
  }

  async size(): Promise<number> {
    return (await stat(this.#environment.file)).size;
  }

  assertHealthy(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  async close(): Promise<void> {
    await this.#environment.root.close();
  }

  async #transaction(commit: () => Promise<unknown>): Promise<void> {
    this.assertHealthy();
    try {
      await commit();
    } catch (error) {
      throw await this.#failure(error);
    }
  }

  /**
   * A transaction that fails for want of space leaves the file as it was, and the next one may succeed. But if
   * LMDB refuses to go on, only a new start can tell what is on disk.
   */
  async #failure(error: unknown): Promise<StoreUnavailableError> {
    const cause = await commitError(error);
    const failure = new StoreUnavailableError(`cannot write ${this.#environment.file}: ${cause.message}`, { cause });
    try {
      this.#environment.root.transactionSync(() => undefined);
    } catch {
      this.#broken = failure;
    }
    return failure;
  }

  #newestOnDisk(): number {
    const [newest] = this.#environment.entries.getKeys({ reverse: true, limit: 1 });
    return newest ?? 0;
  }
}

const empty = new Uint8Array(0);

/** The library reports the cause of a failed commit as a promise that rejects. */
async function commitError(error: unknown): Promise<Error> {
  const failed = error as Error & { commitError?: Promise<never> };
  if (failed.commitError === undefined) return failed;
  return failed.commitError.then(
    () => failed,
    (cause: Error) => cause,
  );
}
