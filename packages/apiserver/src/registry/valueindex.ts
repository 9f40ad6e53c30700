/**
 * Objects by the value of a label or of a selectable field, so that a selection which demands a value touches only the
 * objects that have it. An index is made when somebody first demands a value of its label or field, which is one pass
 * over the objects, and kept up to date while it is in use: 100,000 objects cost it about a megabyte.
 */
import { SortedEntries } from '@keelson/storage/embedded/sorted-entries';
import type { CachedObject } from './cached-objects.ts';

/** That a label or field has this value. A field that an object does not have is the empty string. */
export interface Demand {
  readonly of: 'labels' | 'fields';
  readonly key: string;
  readonly value: string;
}

/** The value that is indexed; undefined for a label that the object does not have. */
export function valueIn({ of, key }: Omit<Demand, 'value'>, object: CachedObject): string | undefined {
  const value = Object.hasOwn(object[of], key) ? object[of][key] : undefined;
  return of === 'fields' ? (value ?? '') : value;
}

/** Indexes that have not been asked for the longest make way. */
const MAX_INDEXES = 8;
const NONE = new SortedEntries<CachedObject>();

export class ValueIndexes {
  /** Least recently used first. */
  readonly #indexes = new Map<string, ValueIndex>();

  /** The fewest objects that have one of the values demanded. @param all every object, in key order */
  candidates(demands: readonly Demand[], all: () => readonly CachedObject[]): SortedEntries<CachedObject> {
    const [first = NONE, ...rest] = demands.map((demand) => this.#of(demand, all).with(demand.value));
    return rest.reduce((least, found) => (found.size < least.size ? found : least), first);
  }

  /** @param previous what `object` takes the place of */
  replace(previous: CachedObject | undefined, object: CachedObject | undefined): void {
    for (const index of this.#indexes.values()) index.replace(previous, object);
  }

  clear(): void {
    this.#indexes.clear();
  }

  #of({ of, key }: Demand, all: () => readonly CachedObject[]): ValueIndex {
    const name = `${of} ${key}`;
    const index = this.#indexes.get(name) ?? new ValueIndex(of, key, all());
    this.#indexes.delete(name);
    this.#indexes.set(name, index);
    if (this.#indexes.size > MAX_INDEXES) this.#indexes.delete(this.#indexes.keys().next().value!);
    return index;
  }
}

class ValueIndex {
  readonly #what: Omit<Demand, 'value'>;
  readonly #byValue = new Map<string, SortedEntries<CachedObject>>();

  constructor(of: Demand['of'], key: string, sorted: readonly CachedObject[]) {
    this.#what = { of, key };
    const lists = new Map<string, CachedObject[]>();
    for (const object of sorted) {
      const value = valueIn(this.#what, object);
      if (value === undefined) continue;
      const list = lists.get(value);
      if (list) list.push(object);
      else lists.set(value, [object]);
    }
    for (const [value, list] of lists) this.#byValue.set(value, SortedEntries.from(list));
  }

  with(value: string): SortedEntries<CachedObject> {
    return this.#byValue.get(value) ?? NONE;
  }

  replace(previous: CachedObject | undefined, object: CachedObject | undefined): void {
    const before = previous && valueIn(this.#what, previous);
    const after = object && valueIn(this.#what, object);
    if (before !== undefined && before !== after) {
      const entries = this.#byValue.get(before);
      entries?.delete(previous!.key);
      if (entries?.size === 0) this.#byValue.delete(before);
    }
    if (after === undefined) return;
    let entries = this.#byValue.get(after);
    if (!entries) {
      entries = new SortedEntries();
      this.#byValue.set(after, entries);
    }
    entries.set(object!);
  }
}
