/** An informer without a wire: keeps somebody told of all objects of a resource, from the cache of this process. */
import type { KubeObject } from '@keelson/api/object';
import type { CachedObject } from './cacher.ts';
import type { ResourceStore } from './store.ts';

export interface Follower {
  /** An object that is new or has changed. Others have it too: it must not be changed. */
  set(object: KubeObject): void;
  delete(namespace: string, name: string): void;
  /** Everything told so far may be wrong: what comes next is the whole state. */
  reset?(): void;
}

const RETRY_MS = 200;

/** Resolves when the state at the time of the call has been told. @returns stop */
export async function follow(store: ResourceStore, follower: Follower): Promise<() => void> {
  let unsubscribe: (() => void) | undefined;
  let stopped = false;
  const tell = (cached: CachedObject): void => follower.set(store.codec.shared(cached));
  const start = async (): Promise<void> => {
    await store.cacher.ready();
    if (stopped) return;
    follower.reset?.();
    for (const cached of store.cacher.list('')) tell(cached);
    unsubscribe = store.cacher.subscribe(store.cacher.revision, {
      onEvents: (events) => {
        for (const { type, object } of events) {
          if (type === 'DELETED') follower.delete(object.namespace, object.name);
          else tell(object);
        }
      },
      onEnd: () => again(),
    });
  };
  const again = (): void => {
    if (!stopped) start().catch(() => setTimeout(again, RETRY_MS).unref());
  };
  await start();
  return () => {
    stopped = true;
    unsubscribe?.();
  };
}
