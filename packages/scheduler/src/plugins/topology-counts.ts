import type { Node } from '@keelson/api/generated/types/core/v1';
import type { Labels } from '../pods/affinity-terms.ts';

/** Numbers for domains: for each value of each topology key. */
export class TopologyCounts {
  readonly #byKey = new Map<string, Map<string, number>>();
  #touched = false;

  /** Nodes without the key belong to no domain. */
  add(topologyKey: string, node: Node, by: number): void {
    const domain = node.metadata.labels?.[topologyKey];
    if (domain === undefined) return;
    this.#touched = true;
    let domains = this.#byKey.get(topologyKey);
    if (!domains) {
      domains = new Map();
      this.#byKey.set(topologyKey, domains);
    }
    const count = (domains.get(domain) ?? 0) + by;
    if (count !== 0) domains.set(domain, count);
    else domains.delete(domain);
    if (domains.size === 0) this.#byKey.delete(topologyKey);
  }

  at(topologyKey: string, domain: string | undefined): number {
    return domain === undefined ? 0 : (this.#byKey.get(topologyKey)?.get(domain) ?? 0);
  }

  /** Whether a node with these labels is in a domain that counts. */
  touches(labels: Labels): boolean {
    for (const [key, domains] of this.#byKey) {
      const domain = labels[key];
      if (domain !== undefined && (domains.get(domain) ?? 0) > 0) return true;
    }
    return false;
  }

  /** Over the domains that a node with these labels is in. */
  sum(labels: Labels): number {
    let sum = 0;
    for (const [key, domains] of this.#byKey) {
      const domain = labels[key];
      if (domain !== undefined) sum += domains.get(domain) ?? 0;
    }
    return sum;
  }

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }
  /** Whether anything was ever counted, even if it has evened out. */
  get wasTouched(): boolean {
    return this.#touched;
  }

  clone(): TopologyCounts {
    const copy = new TopologyCounts();
    for (const [key, domains] of this.#byKey) copy.#byKey.set(key, new Map(domains));
    copy.#touched = this.#touched;
    return copy;
  }
}
