import { pagesOf } from './pages.ts';
import type { Store } from './store.ts';

const EVERYTHING = '/registry/';
/** What lives for seconds or an hour: who serves now says so again. */
const SHORT_LIVED = ['/registry/events/', '/registry/masterleases/', '/registry/peerserverleases/'];
const PAGE = 500;

/**
 * Puts what is current in one store into another, byte for byte; revisions, and with them resource versions, are the other's own.
 * Events stay behind: they would have ended within the hour.
 * @param to has to be empty
 * @returns how many keys were put
 * @throws NotEmptyError, StoreUnavailableError
 */
export async function copyStore(from: Store, to: Store): Promise<number> {
  const { count } = await to.list({ prefix: EVERYTHING, limit: 1 });
  if (count > 0) throw new NotEmptyError(count);
  let copied = 0;
  for await (const { kvs } of pagesOf(from, { prefix: EVERYTHING, limit: PAGE })) {
    const lasting = kvs.filter(({ key }) => !SHORT_LIVED.some((prefix) => key.startsWith(prefix)));
    const results = await Promise.all(lasting.map(({ key, value }) => to.put(key, value, { expect: 0 })));
    if (!results.every(({ ok }) => ok)) throw new NotEmptyError(1);
    copied += lasting.length;
  }
  return copied;
}

/** Somebody has written to the store that everything was to be copied to. */
export class NotEmptyError extends Error {
  override readonly name = 'NotEmptyError';
  constructor(count: number) {
    super(`${count === 1 ? 'a key is' : `${count} keys are`} there already`);
  }
}
