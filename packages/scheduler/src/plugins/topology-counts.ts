import type { Counts, Domains } from '../cache/counts.ts';

interface Sums {
  readonly domains: Domains;
  /** By number of the domain. */
  readonly values: Float64Array;
}

/** Sums over the domains of topology keys. Nodes are named by their index. */
export class TopologyCounts {
  readonly #counts: Counts;
  readonly #byKey = new Map<string, Sums>();
  #different = 0;
  #touched = false;

  constructor(counts: Counts) {
    this.#counts = counts;
  }

  /** Nodes without the key belong to no domain. */
  add(topologyKey: string, node: number, by: number): void {
    const { domains, values } = this.#sums(topologyKey);
    const domain = domains.of[node]!;
    if (domain < 0) return;
    this.#touched = true;
    const before = values[domain]!;
    const after = before + by;
    values[domain] = after;
    if (before === 0 && after !== 0) this.#different += 1;
    else if (before !== 0 && after === 0) this.#different -= 1;
  }

  /** The same for all nodes at once. @param amounts by index of the node */
  addAll(topologyKey: string, amounts: Int32Array, factor = 1): void {
    for (let node = 0; node < amounts.length; node++) {
      if (amounts[node] !== 0) this.add(topologyKey, node, amounts[node]! * factor);
    }
  }

  /** Of the node's domain; `undefined` for a node that is in none. */
  at(topologyKey: string, node: number): number | undefined {
    const { domains, values } = this.#sums(topologyKey);
    const domain = domains.of[node]!;
    return domain < 0 ? undefined : values[domain];
  }

  /** Whether the node is in a domain that counts. */
  touches(node: number): boolean {
    for (const { domains, values } of this.#byKey.values()) {
      const domain = domains.of[node]!;
      if (domain >= 0 && values[domain]! > 0) return true;
    }
    return false;
  }

  /** Over the domains that the node is in. */
  sum(node: number): number {
    let sum = 0;
    for (const { domains, values } of this.#byKey.values()) {
      const domain = domains.of[node]!;
      if (domain >= 0) sum += values[domain]!;
    }
    return sum;
  }

  get isEmpty(): boolean {
    return this.#different === 0;
  }
  /** Whether anything was ever counted, even if it has evened out. */
  get wasTouched(): boolean {
    return this.#touched;
  }

  clone(): TopologyCounts {
    const copy = new TopologyCounts(this.#counts);
    for (const [key, { domains, values }] of this.#byKey) copy.#byKey.set(key, { domains, values: values.slice() });
    copy.#different = this.#different;
    copy.#touched = this.#touched;
    return copy;
  }

  #sums(topologyKey: string): Sums {
    let sums = this.#byKey.get(topologyKey);
    if (!sums) {
      const domains = this.#counts.domains(topologyKey);
      sums = { domains, values: new Float64Array(domains.size) };
      this.#byKey.set(topologyKey, sums);
    }
    return sums;
  }
}
