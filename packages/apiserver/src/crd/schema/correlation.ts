/** Values with what they were before an update (k8s.io/apiserver/pkg/cel/common/{equality,maplist}.go). */
import { equalValues } from '@keelson/api/codec/equality';
import { isObject, type Structural } from './structural.ts';

/** A value that stands for an older one. */
export class Correlation {
  readonly value: unknown;
  readonly old: unknown;
  readonly #schema: Structural;
  readonly #children = new Map<string | number, Correlation | undefined>();
  #unchanged: boolean | undefined;
  #oldItems: KeyedItems | undefined;

  constructor(value: unknown, old: unknown, schema: Structural) {
    this.value = value;
    this.old = old;
    this.#schema = schema;
  }

  /** Undefined where either has no such member, or no schema says what it is. */
  key(name: string): Correlation | undefined {
    return this.#child(name, () => {
      const { value, old } = this;
      if (!isObject(value) || !isObject(old) || !Object.hasOwn(value, name) || !Object.hasOwn(old, name)) return;
      const { properties, additional } = this.#schema;
      const schema = properties.get(name) ?? additional;
      return typeof schema === 'object' ? new Correlation(value[name], old[name], schema) : undefined;
    });
  }

  /** Items of lists that are maps correspond by their keys, those of others not at all. */
  index(i: number): Correlation | undefined {
    return this.#child(i, () => {
      const { value } = this;
      const { items } = this.#schema;
      if (!Array.isArray(value) || i >= value.length || !items) return;
      const old = this.#itemsBefore?.get(value[i]);
      return old === undefined ? undefined : new Correlation(value[i], old, items);
    });
  }

  /**
   * Whether the value is what it was. Members without a schema count as changed; the order of lists that are maps does not
   * count.
   */
  get isUnchanged(): boolean {
    this.#unchanged ??= this.#compare();
    return this.#unchanged;
  }

  #compare(): boolean {
    const { value, old } = this;
    if (Array.isArray(value) && Array.isArray(old)) {
      if (value.length !== old.length) return false;
      if (!this.#itemsBefore) return equalValues(value, old);
      return value.every((_, i) => this.index(i)?.isUnchanged ?? false);
    }
    if (isObject(value) && isObject(old)) {
      const names = Object.keys(value);
      if (names.length !== Object.keys(old).length) return false;
      return names.every((name) => this.key(name)?.isUnchanged ?? false);
    }
    return equalValues(value, old);
  }

  get #itemsBefore(): KeyedItems | undefined {
    if (this.#schema.listType !== 'map' || !Array.isArray(this.old)) return undefined;
    this.#oldItems ??= new KeyedItems(this.old, this.#schema);
    return this.#oldItems;
  }

  #child(name: string | number, make: () => Correlation | undefined): Correlation | undefined {
    if (!this.#children.has(name)) this.#children.set(name, make());
    return this.#children.get(name);
  }
}

/** Items of a list that is a map, by their keys. */
export class KeyedItems {
  readonly #keys: readonly string[];
  readonly #items = new Map<string, unknown>();

  constructor(items: readonly unknown[], { source, listType, listMapKeys }: Structural) {
    this.#keys = source.type === 'array' && listType === 'map' ? listMapKeys : [];
    for (const item of items) {
      const key = this.#keyOf(item);
      if (key !== undefined && !this.#items.has(key)) this.#items.set(key, item);
    }
  }

  /** The item that has the same keys. */
  get(like: unknown): unknown {
    const key = this.#keyOf(like);
    return key === undefined ? undefined : this.#items.get(key);
  }

  /** Undefined where a key is missing, or is no scalar. */
  #keyOf(item: unknown): string | undefined {
    if (!isObject(item) || this.#keys.length === 0) return undefined;
    const parts: string[] = [];
    for (const name of this.#keys) {
      const value = Object.hasOwn(item, name) ? item[name] : null;
      if (value === null || typeof value === 'object') return undefined;
      parts.push(
        `${typeof value === 'bigint' ? 'number' : typeof value}:${typeof value === 'string' ? JSON.stringify(value) : value}`,
      );
    }
    return parts.join('\0');
  }
}
