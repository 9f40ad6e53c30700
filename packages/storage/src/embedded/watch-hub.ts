import { setImmediate as nextTurn } from 'node:timers/promises';
import { CompactedError, type Watch, type WatchEvent, type WatchOptions } from '../store.ts';
import { type ByteKey, fromByteKey, toByteKey } from './bytekey.ts';
import type { Entry, Journal, Write } from './journal.ts';

/** How much of the history one turn of the event loop replays. */
const ENTRIES_PER_TURN = 1000;
const BYTES_PER_TURN = 1 << 20;

/**
 * A watch reads the journal until it has caught up with the newest revision (`replaying`), from then on it is
 * handed each batch as it commits (`live`). Both happen in the same turn as the check that leads from one to
 * the other, so nothing is lost or seen twice in between.
 */
type State = 'replaying' | 'live' | 'ended';

interface Watcher {
  readonly options: WatchOptions;
  readonly prefix: ByteKey;
  /** The next revision the watcher has not been told of. */
  next: number;
  state: State;
  progressWanted: boolean;
}

/** Hands committed writes to watches. */
export class WatchHub {
  readonly #journal: Journal;
  readonly #committed: () => number;
  readonly #compacted: () => number;
  readonly #watchers = new Set<Watcher>();

  constructor(journal: Journal, committed: () => number, compacted: () => number) {
    this.#journal = journal;
    this.#committed = committed;
    this.#compacted = compacted;
  }

  watch(options: WatchOptions): Watch {
    const watcher: Watcher = {
      options,
      prefix: toByteKey(options.prefix),
      next: options.fromRevision,
      state: 'replaying',
      progressWanted: false,
    };
    this.#watchers.add(watcher);
    return { confirmed: this.#replay(watcher), close: () => this.#end(watcher) };
  }

  /** Tells live watches of writes that have just been committed. */
  publish(writes: readonly Write[]): void {
    if (this.#watchers.size === 0) return;
    const revision = writes.at(-1)!.entry.revision;
    const events = writes.map(({ entry, value }) => toEvent(entry, value));
    for (const watcher of this.#watchers) {
      if (watcher.state !== 'live' || watcher.next > revision) continue;
      const wanted = events.filter((_, i) => matches(watcher, writes[i]!.entry));
      watcher.next = revision + 1;
      if (wanted.length > 0) this.#deliver(watcher, wanted, revision);
    }
  }

  requestProgress(): void {
    for (const watcher of this.#watchers) {
      watcher.progressWanted = true;
      setImmediate(() => this.#reportProgress(watcher));
    }
  }

  /** Ends all watches without a word. */
  close(): void {
    for (const watcher of this.#watchers) this.#end(watcher);
  }

  /** Resolves when the watch has caught up, or is over. It is told nothing before it is known to who asked for it. */
  async #replay(watcher: Watcher): Promise<void> {
    await undefined;
    try {
      while (watcher.state === 'replaying') {
        const compacted = this.#compacted();
        if (watcher.next < compacted) throw new CompactedError(compacted);
        this.#replaySome(watcher);
        if (watcher.state === 'replaying') await nextTurn();
      }
    } catch (error) {
      this.#end(watcher, error as Error);
    }
    this.#reportProgress(watcher);
  }

  #replaySome(watcher: Watcher): void {
    const newest = this.#committed();
    const events: WatchEvent[] = [];
    let seen = 0;
    let bytes = 0;
    let revision = newest;
    for (const entry of this.#journal.entries(watcher.next, newest)) {
      if (matches(watcher, entry)) {
        const value = this.#journal.value(entry.revision);
        events.push(toEvent(entry, value));
        bytes += value.length;
      }
      if (++seen === ENTRIES_PER_TURN || bytes >= BYTES_PER_TURN) {
        revision = entry.revision;
        break;
      }
    }
    watcher.next = Math.max(watcher.next, revision + 1);
    if (revision === newest) watcher.state = 'live';
    if (events.length > 0) this.#deliver(watcher, events, revision);
  }

  #reportProgress(watcher: Watcher): void {
    if (watcher.state !== 'live' || !watcher.progressWanted) return;
    watcher.progressWanted = false;
    this.#deliver(watcher, [], this.#committed());
  }

  #deliver(watcher: Watcher, events: readonly WatchEvent[], revision: number): void {
    try {
      watcher.options.onBatch({ events, revision });
    } catch (error) {
      this.#end(watcher, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #end(watcher: Watcher, error?: Error): void {
    if (watcher.state === 'ended') return;
    watcher.state = 'ended';
    this.#watchers.delete(watcher);
    if (error !== undefined) watcher.options.onError(error);
  }
}

function matches(watcher: Watcher, entry: Entry): boolean {
  return entry.revision >= watcher.next && entry.key.startsWith(watcher.prefix);
}

function toEvent(entry: Entry, value: Uint8Array): WatchEvent {
  const key = fromByteKey(entry.key);
  const { revision: modRevision, createRevision, version } = entry;
  if (version === 0) return { type: 'delete', key, modRevision };
  return { type: 'put', kv: { key, value, createRevision, modRevision, version } };
}
