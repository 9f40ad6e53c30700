/**
 * Events from the store's own history, for watches that resume further back than the cache remembers: after a restart,
 * or after a long sleep.
 */
import { CompactedError, type WatchBatch } from '@keelson/storage/store';
import type { CachedObject } from './cached-objects.ts';
import type { CacheEvent } from './cacher.ts';
import { Pace } from './pace.ts';
import type { ResourceStore } from './store.ts';

/** More than this is not replayed: listing again is cheaper for everybody. */
const MAX_EVENTS = 20_000;
const MAX_BYTES = 32 << 20;

/**
 * @param revision events after this are wanted
 * @returns the events up to where the cache's own memory begins; undefined when history does not reach back so far
 */
export async function eventsFromHistory(
  store: ResourceStore,
  revision: number,
): Promise<{ events: CacheEvent[]; revision: number } | undefined> {
  const { environment, definition, codec, cacher } = store;
  if (revision < (await environment.store.compactedRevision())) return undefined;
  const until = Math.max(cacher.oldestRevision, revision);
  const batches = await readBatches(store, `${definition.prefix}/`, revision + 1, until);
  if (!batches) return undefined;

  const events: CacheEvent[] = [];
  const latest = new Map<string, CachedObject | undefined>();
  const pace = new Pace();
  for (const change of batches.flatMap((b) => b.events)) {
    const key = change.type === 'put' ? change.kv.key : change.key;
    const at = change.type === 'put' ? change.kv.modRevision : change.modRevision;
    if (at > until) break;
    if (!latest.has(key)) {
      const before = await environment.store.get(key, { revision }).catch(ignoreCompacted);
      latest.set(key, before?.kv && codec.cached(before.kv));
    }
    const previous = latest.get(key);
    if (change.type === 'put') {
      const object = codec.cached(change.kv);
      latest.set(key, object);
      events.push({ type: previous ? 'MODIFIED' : 'ADDED', revision: at, object, previous });
    } else if (previous) {
      latest.set(key, undefined);
      events.push({ type: 'DELETED', revision: at, object: { ...previous, revision: at }, previous });
    }
    await pace.after((latest.get(key) ?? previous)?.bytes.length ?? 0);
  }
  return { events, revision: until };
}

function ignoreCompacted(error: unknown): undefined {
  if (error instanceof CompactedError) return undefined;
  throw error;
}

function readBatches(
  store: ResourceStore,
  prefix: string,
  from: number,
  until: number,
): Promise<WatchBatch[] | undefined> {
  return new Promise((resolve) => {
    const batches: WatchBatch[] = [];
    let count = 0;
    let bytes = 0;
    const finish = (result: WatchBatch[] | undefined): void => {
      queueMicrotask(() => watch.close());
      resolve(result);
    };
    const watch = store.environment.store.watch({
      prefix,
      fromRevision: from,
      onBatch: (batch) => {
        batches.push(batch);
        count += batch.events.length;
        for (const event of batch.events) if (event.type === 'put') bytes += event.kv.value.length;
        if (count > MAX_EVENTS || bytes > MAX_BYTES) finish(undefined);
        else if (batch.revision >= until) finish(batches);
      },
      onError: () => finish(undefined),
    });
    store.environment.store.requestProgress(until);
  });
}
