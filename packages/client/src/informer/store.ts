import type { TypedObject } from '@keelson/api/object';

/** The values under which an object is to be found; none keeps it out of the index. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** A copy of a collection, for reading. The objects are shared by all readers: nobody may change them. */
export interface Lister<T> {
  readonly size: number;
  /** @param key `namespace/name`, or `name` where there are no namespaces */
  get(key: string): T | undefined;
  list(namespace?: string): T[];
  /** @throws Error for an index that nobody has added */
  byIndex(index: string, value: string): T[];
  values(): Iterable<T>;
}

const NAMESPACE = 'namespace';

/** Objects by key, with indexes. */
export class Store<T extends TypedObject> implements Lister<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>([[NAMESPACE, new Index((o) => [o.metadata.namespace ?? ''])]]);

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): T[] {
    return namespace === undefined ? [...this.#objects.values()] : this.byIndex(NAMESPACE, namespace);
  }

  byIndex(index: string, value: string): T[] {
    const found = this.#indexes.get(index);
    if (!found) throw new Error(`there is no index ${index}`);
    return found.get(value);
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  keys(): Iterable<string> {
    return this.#objects.keys();
  }

  /** Indexes what is there and what will come. Adding the same one again does nothing. @throws Error for another of its name */
  addIndex(name: string, values: IndexFunction<T>): void {
    const existing = this.#indexes.get(name);
    if (existing?.values === values) return;
    if (existing) throw new Error(`there is another index ${name}`);
    const index = new Index(values);
    for (const [key, object] of this.#objects) index.add(key, object);
    this.#indexes.set(name, index);
  }

  /** @returns what stood in its place */
  put(key: string, object: T): T | undefined {
    const old = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      if (old) index.remove(key, old);
      index.add(key, object);
    }
    return old;
  }

  /** @returns what was removed */
  remove(key: string): T | undefined {
    const old = this.#objects.get(key);
    if (!old) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.remove(key, old);
    return old;
  }
}

class Index<T> {
  readonly values: IndexFunction<T>;
  readonly #byValue = new Map<string, Map<string, T>>();

  constructor(values: IndexFunction<T>) {
    this.values = values;
  }

  get(value: string): T[] {
    return [...(this.#byValue.get(value)?.values() ?? [])];
  }

  add(key: string, object: T): void {
    for (const value of this.values(object)) {
      const objects = this.#byValue.get(value);
      if (objects) objects.set(key, object);
      else this.#byValue.set(value, new Map([[key, object]]));
    }
  }

  remove(key: string, object: T): void {
    for (const value of this.values(object)) {
      const objects = this.#byValue.get(value);
      objects?.delete(key);
      if (objects?.size === 0) this.#byValue.delete(value);
    }
  }
}

/** `namespace/name`, or `name` where there is no namespace. */
export function storeKey({ metadata }: TypedObject): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name!;
}

/** The inverse. */
export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/');
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
