import type { CompactionProgress, Entry, Journal, Write } from '../embedded/journal.ts';

/** Keeps writes for as long as the process lives. */
export class MemoryJournal implements Journal {
  readonly #writes = new Map<number, Write>();
  #newest = 0;
  #bytes = 0;
  compaction: CompactionProgress = { compacted: 0, scrubbed: 0 };

  async append(writes: readonly Write[]): Promise<void> {
    for (const write of writes) {
      this.#writes.set(write.entry.revision, write);
      this.#newest = write.entry.revision;
      this.#bytes += bytesOf(write);
    }
  }

  entry(revision: number): Entry | undefined {
    return this.#writes.get(revision)?.entry;
  }

  *entries(from: number, to: number): Iterable<Entry> {
    for (let revision = from; revision <= Math.min(to, this.#newest); revision++) {
      const write = this.#writes.get(revision);
      if (write !== undefined) yield write.entry;
    }
  }

  value(revision: number): Uint8Array {
    return this.#writes.get(revision)!.value;
  }

  async remove(revisions: readonly number[], progress: CompactionProgress): Promise<void> {
    for (const revision of revisions) {
      const write = this.#writes.get(revision);
      if (write === undefined) continue;
      this.#writes.delete(revision);
      this.#bytes -= bytesOf(write);
    }
    this.compaction = progress;
  }

  async size(): Promise<number> {
    return this.#bytes;
  }

  assertHealthy(): void {}

  async close(): Promise<void> {
    this.#writes.clear();
  }
}

function bytesOf({ entry, value }: Write): number {
  return entry.key.length + value.length;
}
