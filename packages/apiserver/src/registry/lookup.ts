import { StatusError } from '@keelson/api/errors';
import { UnreadableValueError } from '@keelson/storage/store';
import type { CachedObject } from './cacher.ts';
import type { ResourceStore } from './store.ts';

/**
 * One object out of the watch cache when `ready` resolves; out of the store itself where another object can't be read, or
 * converted, and keeps the cache from being filled.
 * @throws UnreadableValueError, StatusError if it is this one
 */
export async function lookUp(
  store: ResourceStore,
  key: string,
  ready: () => Promise<unknown>,
): Promise<CachedObject | undefined> {
  try {
    await ready();
  } catch (error) {
    if (error instanceof UnreadableValueError || error instanceof StatusError) return store.reread(key);
    throw error;
  }
  return store.cacher.get(key);
}
