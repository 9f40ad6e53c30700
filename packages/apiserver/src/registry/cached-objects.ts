/**
 * The objects of one resource as the watch cache holds them: by key, by the values that are asked for, and their bytes in
 * memory that suits how long they stay. Fresh ones have memory of their own; what has settled lies in slabs.
 */
import type { StoredObject } from '@keelson/api/codec/stored';
import { SortedEntries } from '@keelson/storage/embedded/sorted-entries';
import type { PrintedRow } from '../table/row.ts';
import { Pace } from './pace.ts';
import { owned, Slabs } from './slabs.ts';
import { type Demand, ValueIndexes } from './valueindex.ts';

/** An object as the cache keeps it: its bytes, and beside them only what selection needs. */
export interface CachedObject extends StoredObject {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  /** Its resourceVersion. A deleted object carries the revision of its deletion. */
  readonly revision: number;
  /** The canonical JSON of the storage version, without resourceVersion. The cache moves them to other memory. */
  bytes: Buffer;
  readonly labels: Readonly<Record<string, string>>;
  /** Selectable fields, metadata.name and metadata.namespace among them. */
  readonly fields: Readonly<Record<string, string>>;
  /** How it was last shown in a table. */
  row?: PrintedRow | undefined;
}

/** The objects of one resource at a moment. */
export interface ObjectsView {
  /** @param key as in the store */
  get(key: string): CachedObject | undefined;
  /**
   * Objects in key order.
   * @param namespace '' for all
   * @param from only keys ≥ this
   */
  list(namespace: string, from?: string, limit?: number): CachedObject[];
  /** Objects in key order, no fewer than those that have all values demanded, and as few as an index allows. */
  listMatching(demands: readonly Demand[], namespace: string, from?: string): CachedObject[];
  /** How many {@link list} would give, without a limit. */
  count(namespace: string, from?: string): number;
}

/** Objects on their way into the cache, which is filled as a whole. */
export class LoadedObjects {
  readonly objects: CachedObject[] = [];
  readonly slabs = new Slabs();

  /** @param object with a key behind those of all before */
  add(object: CachedObject): void {
    object.bytes = this.slabs.add(object.bytes);
    this.objects.push(object);
  }
}

export class CachedObjects implements ObjectsView {
  readonly #prefix: string;
  #entries = new SortedEntries<CachedObject>();
  #slabs = new Slabs();
  #isTidying = false;
  #bytes = 0;
  readonly #indexes = new ValueIndexes();

  /** @param prefix of all keys, with its slash */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** How many there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** Of all objects, encoded. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): CachedObject | undefined {
    return this.#entries.get(key);
  }

  list(namespace: string, from?: string, limit?: number): CachedObject[] {
    const [start, end] = this.#range(namespace, from);
    return this.#entries.range(start, end, limit);
  }

  listMatching(demands: readonly Demand[], namespace: string, from?: string): CachedObject[] {
    // An index of what is different for each object would be as large as the objects.
    const indexed = demands.filter(({ key }) => key !== 'metadata.name');
    if (indexed.length === 0) return this.list(namespace, from);
    return this.#indexes.candidates(indexed, () => this.list('')).range(...this.#range(namespace, from));
  }

  count(namespace: string, from?: string): number {
    return this.#entries.count(...this.#range(namespace, from));
  }

  /** All that there is from now on. */
  replace({ objects, slabs }: LoadedObjects): void {
    this.#entries = SortedEntries.from(objects);
    this.#slabs = slabs;
    this.#indexes.clear();
    this.#bytes = objects.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** @returns what it takes the place of */
  put(object: CachedObject): CachedObject | undefined {
    object.bytes = owned(object.bytes);
    const previous = this.#entries.set(object);
    this.#indexes.replace(previous, object);
    if (previous) this.#slabs.remove(previous.bytes);
    this.#bytes += object.bytes.length - (previous?.bytes.length ?? 0);
    return previous;
  }

  /** @returns what was there */
  delete(key: string): CachedObject | undefined {
    const previous = this.#entries.delete(key);
    if (!previous) return undefined;
    this.#indexes.replace(previous, undefined);
    this.#slabs.remove(previous.bytes);
    this.#bytes -= previous.bytes.length;
    return previous;
  }

  /** Those of them that are still here will stay: from now on they lie in the slabs. */
  settle(objects: readonly CachedObject[]): void {
    for (const object of objects) {
      if (this.#entries.get(object.key) === object) object.bytes = this.#slabs.add(object.bytes);
    }
    if (this.#slabs.needsTidying) void this.#tidy();
  }

  /** Moves what lies between holes. */
  async #tidy(): Promise<void> {
    if (this.#isTidying) return;
    this.#isTidying = true;
    const slabs = this.#slabs;
    const pace = new Pace();
    for (const object of this.list('')) {
      if (this.#slabs !== slabs) break;
      const { bytes } = object;
      // Removed meanwhile, it lies in a slab no more.
      if (!slabs.isSparse(bytes) || this.#entries.get(object.key) !== object) continue;
      object.bytes = slabs.add(bytes);
      slabs.remove(bytes);
      await pace.after(bytes.length);
    }
    this.#isTidying = false;
  }

  #range(namespace: string, from?: string): [start: string, end: string] {
    const start = namespace === '' ? this.#prefix : `${this.#prefix}${namespace}/`;
    const end = `${start.slice(0, -1)}0`;
    return [from !== undefined && from > start ? from : start, end];
  }
}
