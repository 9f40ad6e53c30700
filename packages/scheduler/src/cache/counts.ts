import type { AffinityTerm } from '../pods/affinity-terms.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import type { NodeInfo } from './node-info.ts';

/** Says what to sum up over the pods of each node. */
export interface Counter {
  /** The same for counters that count the same. */
  readonly key: string;
  /** What a pod counts for, in whole numbers. */
  readonly of: (pod: PodInfo) => number;
}

/** Domains of a topology key, in which nodes are by their labels. */
export interface Domains {
  /** By index of the node: the number of its domain, -1 without one. */
  readonly of: Int32Array;
  /** How many domains there are. */
  readonly size: number;
}

interface Counted {
  readonly values: Int32Array;
  /** How far in the log of changes they are up to date. */
  seen: number;
}

/** Numbers that are kept at most, over all counters and nodes. */
const MAX_NUMBERS = 4_000_000;
const MIN_COUNTERS = 64;
const MAX_LOG = 100_000;

/**
 * Numbers over all nodes that plugins ask for again and again, each brought up to date by looking at those nodes alone that
 * have changed since.
 */
export class Counts {
  #nodes: readonly NodeInfo[] = [];
  /** Indexes of nodes whose pods have changed. */
  #log: number[] = [];
  readonly #counted = new Map<string, Counted>();
  readonly #domains = new Map<string, Domains>();
  /** Terms of affinity that pods have, or had not long ago. */
  readonly #terms = new Set<AffinityTerm>();
  #termsSeen = 0;

  /** Other nodes, or in another order. */
  reset(nodes: readonly NodeInfo[]): void {
    this.#nodes = nodes;
    this.#log = [];
    this.#counted.clear();
    this.#domains.clear();
    this.#terms.clear();
    this.#termsSeen = 0;
    for (const node of nodes) this.#addTerms(node);
  }

  podsChanged(index: number): void {
    this.#log.push(index);
    if (this.#log.length > MAX_LOG) this.reset(this.#nodes);
  }

  labelsChanged(): void {
    this.#domains.clear();
  }

  /** By index of the node. */
  sums(counter: Counter): Int32Array {
    const known = this.#counted.get(counter.key);
    if (!known) return this.#countAll(counter);
    for (; known.seen < this.#log.length; known.seen++) {
      const index = this.#log[known.seen]!;
      known.values[index] = countOn(this.#nodes[index]!, counter);
    }
    return known.values;
  }

  /** All different terms of affinity that pods have, and maybe some that nobody has any more. */
  terms(): ReadonlySet<AffinityTerm> {
    for (; this.#termsSeen < this.#log.length; this.#termsSeen++)
      this.#addTerms(this.#nodes[this.#log[this.#termsSeen]!]!);
    return this.#terms;
  }

  #addTerms({ podsWithAffinity }: NodeInfo): void {
    for (const { affinity } of podsWithAffinity) {
      for (const term of affinity.required) this.#terms.add(term);
      for (const term of affinity.requiredAnti) this.#terms.add(term);
      for (const { term } of affinity.preferred) this.#terms.add(term);
      for (const { term } of affinity.preferredAnti) this.#terms.add(term);
    }
  }

  domains(topologyKey: string): Domains {
    let domains = this.#domains.get(topologyKey);
    if (!domains) {
      const numbers = new Map<string, number>();
      const of = Int32Array.from(this.#nodes, ({ node }) => {
        const value = node!.metadata.labels?.[topologyKey];
        if (value === undefined) return -1;
        const number = numbers.get(value) ?? numbers.size;
        numbers.set(value, number);
        return number;
      });
      domains = { of, size: numbers.size };
      this.#domains.set(topologyKey, domains);
    }
    return domains;
  }

  #countAll(counter: Counter): Int32Array {
    const max = Math.max(MIN_COUNTERS, MAX_NUMBERS / this.#nodes.length);
    if (this.#counted.size >= max) this.#counted.clear();
    const values = Int32Array.from(this.#nodes, (node) => countOn(node, counter));
    this.#counted.set(counter.key, { values, seen: this.#log.length });
    return values;
  }
}

function countOn({ pods }: NodeInfo, { of }: Counter): number {
  let count = 0;
  for (const pod of pods) count += of(pod);
  return count;
}
