/** A binary heap whose items are found by key. */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #places = new Map<string, number>();
  readonly #keyOf: (item: T) => string;
  readonly #compare: (a: T, b: T) => number;

  /** @param compare negative when `a` comes first */
  constructor(keyOf: (item: T) => string, compare: (a: T, b: T) => number) {
    this.#keyOf = keyOf;
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  get(key: string): T | undefined {
    const at = this.#places.get(key);
    return at === undefined ? undefined : this.#items[at];
  }

  has(key: string): boolean {
    return this.#places.has(key);
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  /** Adds an item, or gives the one of its key the place that it has now. */
  put(item: T): void {
    const key = this.#keyOf(item);
    const at = this.#places.get(key) ?? this.#items.length;
    this.#set(at, item);
    this.#up(at);
    this.#down(this.#places.get(key)!);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.remove(this.#keyOf(first));
    return first;
  }

  remove(key: string): T | undefined {
    const at = this.#places.get(key);
    if (at === undefined) return undefined;
    const removed = this.#items[at];
    const last = this.#items.pop()!;
    this.#places.delete(key);
    if (at < this.#items.length) {
      this.#set(at, last);
      this.#up(at);
      this.#down(this.#places.get(this.#keyOf(last))!);
    }
    return removed;
  }

  #set(at: number, item: T): void {
    this.#items[at] = item;
    this.#places.set(this.#keyOf(item), at);
  }

  #up(from: number): void {
    const item = this.#items[from]!;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#compare(item, this.#items[parent]!) >= 0) break;
      this.#set(at, this.#items[parent]!);
      at = parent;
    }
    if (at !== from) this.#set(at, item);
  }

  #down(from: number): void {
    const item = this.#items[from]!;
    const { length } = this.#items;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#compare(this.#items[child + 1]!, this.#items[child]!) < 0) child++;
      if (this.#compare(this.#items[child]!, item) >= 0) break;
      this.#set(at, this.#items[child]!);
      at = child;
    }
    if (at !== from) this.#set(at, item);
  }
}
