const CHUNK = 512;

/**
 * A set of entries, one per key, sorted by key. Kept as chunks of at most `CHUNK` entries, so that an insertion moves few of them
 * and that counting a range adds chunk lengths instead of visiting keys: 100,000 keys are some 300 chunks.
 */
export class SortedEntries<E extends { readonly key: string }> {
  /** No chunk is empty, save the only one of an empty set. */
  #chunks: E[][] = [[]];
  #size = 0;

  /** @param sorted entries in ascending order of key, without duplicates */
  static from<E extends { readonly key: string }>(sorted: readonly E[]): SortedEntries<E> {
    const set = new SortedEntries<E>();
    set.#size = sorted.length;
    const step = (CHUNK * 3) / 4;
    for (let at = 0; at < sorted.length; at += step) set.#chunks[at / step] = sorted.slice(at, at + step);
    return set;
  }

  get size(): number {
    return this.#size;
  }

  get(key: E['key']): E | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)]!;
    const entry = chunk[lowerBound(chunk, key)];
    return entry?.key === key ? entry : undefined;
  }

  /** Inserts the entry or replaces the one with its key. @returns the one that was replaced */
  set(entry: E): E | undefined {
    const at = this.#chunkOf(entry.key);
    const chunk = this.#chunks[at]!;
    const index = lowerBound(chunk, entry.key);
    const known = chunk[index];
    if (known?.key === entry.key) {
      chunk[index] = entry;
      return known;
    }
    // Appending in key order fills chunks instead of halving them.
    if (index === CHUNK && at === this.#chunks.length - 1) this.#chunks.push([entry]);
    else chunk.splice(index, 0, entry);
    this.#size++;
    if (chunk.length > CHUNK) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK / 2));
    return undefined;
  }

  /** @returns the one that was there */
  delete(key: E['key']): E | undefined {
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at]!;
    const index = lowerBound(chunk, key);
    const known = chunk[index];
    if (known?.key !== key) return undefined;
    chunk.splice(index, 1);
    this.#size--;
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(at, 1);
    return known;
  }

  /** How many keys are ≥ `from` and, where `end` is given, < `end`. */
  count(from: E['key'], end: E['key'] | undefined): number {
    return Math.max(0, (end === undefined ? this.#size : this.#rank(end)) - this.#rank(from));
  }

  /** At most `limit` entries with keys ≥ `from` and, where `end` is given, < `end`, in ascending order. */
  range(from: E['key'], end: E['key'] | undefined, limit = Number.POSITIVE_INFINITY): E[] {
    const found: E[] = [];
    let at = this.#chunkOf(from);
    let index = lowerBound(this.#chunks[at]!, from);
    for (; at < this.#chunks.length; at++, index = 0) {
      const chunk = this.#chunks[at]!;
      for (; index < chunk.length; index++) {
        const entry = chunk[index]!;
        if (found.length >= limit || (end !== undefined && entry.key >= end)) return found;
        found.push(entry);
      }
    }
    return found;
  }

  #rank(key: E['key']): number {
    const at = this.#chunkOf(key);
    let rank = lowerBound(this.#chunks[at]!, key);
    for (let i = 0; i < at; i++) rank += this.#chunks[i]!.length;
    return rank;
  }

  /** The last chunk whose first key is ≤ `key`, or the first chunk. */
  #chunkOf(key: E['key']): number {
    let low = 0;
    let high = this.#chunks.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]![0]!.key <= key) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** The index of the first entry whose key is ≥ `key`. */
function lowerBound(chunk: readonly { readonly key: string }[], key: string): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (chunk[middle]!.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
