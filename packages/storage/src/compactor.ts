import type { Clock } from '@keelson/api/clock';
import { CompactedError, type Store } from './store.ts';

/** Where API servers, upstream's too, agree on which of them compacts. */
const KEY = 'compact_rev_key';

export interface CompactorOptions {
  /** How long history is kept, at least; at most twice that. */
  readonly intervalMs: number;
  readonly clock: Clock;
  /** Told when a round failed; the next one is tried all the same. */
  readonly onError: (error: Error) => void;
}

/**
 * Compacts a store at each interval to the revision that was the newest one an interval before. Of several API servers on
 * one etcd, whoever is first to write the key in an interval compacts in it: its version counts the
 * rounds, its value is the revision compacted to (upstream's etcd3/compact.go).
 * @returns a function that ends it
 */
export function startCompactor(store: Store, { intervalMs, clock, onError }: CompactorOptions): () => void {
  /** The last round that this one knows of, and the revision then. */
  let known = { round: 0, revision: 0 };
  let cancel: () => void;
  let stopped = false;

  const compact = async () => {
    const { kv, revision } = await store.get(KEY);
    const round = kv?.version ?? 0;
    if (round !== known.round) {
      known = { round, revision };
      return;
    }
    const target = known.revision;
    const result = await store.put(KEY, Buffer.from(String(target)), { expect: kv?.modRevision ?? 0 });
    if (!result.ok) {
      known = { round: result.current?.version ?? 0, revision: result.revision };
      return;
    }
    known = { round: round + 1, revision: result.revision };
    if (target === 0) return;
    await store.compact(target).catch((error: Error) => {
      if (!(error instanceof CompactedError)) throw error;
    });
  };
  const round = async () => {
    try {
      await compact();
    } catch (error) {
      if (!stopped) onError(error as Error);
    }
    if (!stopped) schedule();
  };
  const schedule = () => {
    cancel = clock.after(intervalMs, round, { background: true });
  };

  schedule();
  return () => {
    stopped = true;
    cancel();
  };
}
