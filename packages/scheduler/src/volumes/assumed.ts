import type { TypedObject } from '@keelson/api/object';
import { type Lister, storeKey } from '@keelson/client';

interface Assumption<T> {
  readonly object: T;
  /** The version that it was made of: a newer one is right. */
  readonly base: string | undefined;
}

/** A copy of a collection with changes that the scheduler is about to make, and that it has not seen yet. */
export class Assumed<T extends TypedObject> {
  readonly #lister: Lister<T>;
  readonly #assumptions = new Map<string, Assumption<T>>();

  constructor(lister: Lister<T>) {
    this.#lister = lister;
  }

  get(key: string): T | undefined {
    return this.#seen(key, this.#lister.get(key));
  }

  /** As informers know it. */
  actual(key: string): T | undefined {
    return this.#lister.get(key);
  }

  *values(): Iterable<T> {
    for (const object of this.#lister.values()) yield this.#seen(storeKey(object), object)!;
  }

  assume(object: T): void {
    this.#assumptions.set(storeKey(object), { object, base: object.metadata.resourceVersion });
  }

  restore(object: T): void {
    this.#assumptions.delete(storeKey(object));
  }

  #seen(key: string, actual: T | undefined): T | undefined {
    const assumption = this.#assumptions.get(key);
    if (!assumption) return actual;
    if (actual?.metadata.resourceVersion === assumption.base) return assumption.object;
    this.#assumptions.delete(key);
    return actual;
  }
}
