import type { CachedObject, ObjectsView } from './cached-objects.ts';
import type { CacheEvent } from './cacher.ts';
import type { Demand } from './valueindex.ts';

/**
 * Objects as they were: those of now, but that each that an event has changed since is what it was before the first of them. It
 * holds as long as those of now stay as they are. What it takes goes by what is asked for and by how much has happened since, not
 * by how many objects there are.
 */
export class PastObjects implements ObjectsView {
  readonly #now: ObjectsView;
  /** What has changed since, as it was; undefined for what was not there. */
  readonly #before = new Map<string, CachedObject | undefined>();

  /** @param since all events after the revision that is asked for, in order */
  constructor(now: ObjectsView, since: readonly CacheEvent[]) {
    this.#now = now;
    for (const { object, previous } of since) {
      if (!this.#before.has(object.key)) this.#before.set(object.key, previous);
    }
  }

  get(key: string): CachedObject | undefined {
    return this.#before.has(key) ? this.#before.get(key) : this.#now.get(key);
  }

  list(namespace: string, from?: string, limit?: number): CachedObject[] {
    // Of the first ones now so many at most were others then.
    const enough = limit === undefined ? undefined : limit + this.#before.size;
    return this.#merge(this.#now.list(namespace, from, enough), namespace, from).slice(0, limit);
  }

  listMatching(demands: readonly Demand[], namespace: string, from?: string): CachedObject[] {
    return this.#merge(this.#now.listMatching(demands, namespace, from), namespace, from);
  }

  count(namespace: string, from?: string): number {
    let count = this.#now.count(namespace, from);
    for (const [key, before] of this.#before) {
      const now = this.#now.get(key);
      if (now && isWithin(now, namespace, from)) count--;
      if (before && isWithin(before, namespace, from)) count++;
    }
    return count;
  }

  #merge(now: readonly CachedObject[], namespace: string, from: string | undefined): CachedObject[] {
    const objects = now.filter(({ key }) => !this.#before.has(key));
    for (const before of this.#before.values()) {
      if (before && isWithin(before, namespace, from)) objects.push(before);
    }
    return objects.sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

function isWithin({ key, namespace: own }: CachedObject, namespace: string, from: string | undefined): boolean {
  return (namespace === '' || own === namespace) && (from === undefined || key >= from);
}
