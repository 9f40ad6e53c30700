/** An informer without a wire: keeps somebody told of all objects of a resource, from the cache of this process. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject, TypedObject } from '@keelson/api/object';
import type { CachedObject } from './cached-objects.ts';
import type { CacheEvent } from './cacher.ts';
import { Pace } from './pace.ts';
import type { ResourceStore } from './store.ts';

export interface Follower<T extends TypedObject = KubeObject> {
  /** An object that is new or has changed. Others have it too: it must not be changed. */
  set(object: T): void;
  delete(namespace: string, name: string): void;
}

const RETRY_MS = 200;

/**
 * Resolves when the state at the time of the call has been told; what cannot be read is waited for, as long as it lies there.
 * @param store of objects of type `T` @returns stop @throws StoreUnavailableError
 */
export async function follow<T extends TypedObject = KubeObject>(
  store: ResourceStore,
  follower: Follower<T>,
): Promise<() => void> {
  const { cacher } = store;
  let unsubscribe: (() => void) | undefined;
  let stopped = false;
  /** What the follower had been told of when the cache lost its place. */
  let told: readonly CachedObject[] = [];
  /** What has been told of a load that is still under way. */
  let loading: CachedObject[] | undefined = [];
  const tell = (cached: CachedObject): void => {
    loading?.push(cached);
    follower.set(store.codec.shared(cached) as TypedObject as T);
  };
  const tellEvents = (events: readonly CacheEvent[]): void => {
    for (const { type, object } of events) {
      if (type === 'DELETED') follower.delete(object.namespace, object.name);
      else tell(object);
    }
  };

  /** Nobody counts on a follower before it has been told all, so that others may have a turn in between. */
  const first = async (): Promise<void> => {
    const pace = new Pace();
    /** What happens meanwhile is told after what was there. */
    const meanwhile: CacheEvent[] = [];
    let hasEnded = false;
    const end = cacher.subscribe(cacher.revision, {
      onEvents: (events) => meanwhile.push(...events),
      onEnd: () => {
        hasEnded = true;
        told = cacher.list('');
      },
    });
    for (const cached of cacher.list('')) {
      tell(cached);
      await pace.after(cached.bytes.length);
    }
    end?.();
    tellEvents(meanwhile);
    if (hasEnded) await goOn();
    else listen();
  };
  /** Tells the difference, in one turn: who has followed already must not be seen without what it had. */
  const goOn = async (): Promise<void> => {
    await cacher.ready();
    if (stopped) return;
    const now = cacher.list('');
    const keys = new Set(now.map(({ key }) => key));
    for (const { key, namespace, name } of told) if (!keys.has(key)) follower.delete(namespace, name);
    const revisions = new Map(told.map(({ key, revision }) => [key, revision]));
    for (const cached of now) if (revisions.get(cached.key) !== cached.revision) tell(cached);
    told = [];
    listen();
  };
  /** The same when nothing is in the way any more. @throws StoreUnavailableError */
  const goOnAtLast = async (): Promise<void> => {
    for (;;) {
      await sleep(RETRY_MS, undefined, { ref: false });
      try {
        return await goOn();
      } catch (error) {
        if (!cacher.obstacle) throw error;
      }
    }
  };
  const listen = (fromRevision = cacher.revision): void => {
    const onEnd = () => {
      told = cacher.list('');
      again();
    };
    unsubscribe = cacher.subscribe(fromRevision, { onEvents: tellEvents, onEnd });
  };
  const again = (): void => {
    if (!stopped) goOn().catch(() => setTimeout(again, RETRY_MS).unref());
  };
  // What is loaded for this one is told while it is at hand in parsed form.
  listen(0);
  try {
    await cacher.ready();
    loading = undefined;
    if (!unsubscribe) await first();
  } catch (error) {
    if (!cacher.obstacle) throw error;
    told = loading ?? told;
    loading = undefined;
    await goOnAtLast();
  }
  return () => {
    stopped = true;
    unsubscribe?.();
  };
}
