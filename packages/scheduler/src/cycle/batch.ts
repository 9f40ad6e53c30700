/**
 * Pods that are alike, one after the other, go on with the ranking of nodes that the first one had
 * (pkg/scheduler/framework/runtime/batch.go). That holds only where each pod fills its node: then all the others are worth
 * what they were worth before.
 */
import type { NodeInfo } from '../cache/node-info.ts';
import type { Cycle } from '../framework/cycle.ts';

/** A ranking is gone on with for so long. Seconds. */
const LONGEST = 0.5;

export type Attempt = 'no_hint' | 'hint_used' | 'hint_not_used';
export type Flush =
  | 'pod_skipped'
  | 'pod_incompatible'
  | 'pod_not_batchable'
  | 'expired'
  | 'node_missing'
  | 'node_not_full'
  | 'empty_list';

export interface BatchObserver {
  readonly seconds: () => number;
  batchAttempted(result: Attempt, profile: string): void;
  batchFlushed(reason: Flush, profile: string): void;
  /** A hint was looked for since then. */
  hintSought(found: boolean, profile: string, startedAt: number): void;
  /** A ranking was put away since then. */
  rankingStored(profile: string, startedAt: number): void;
}

/** Nodes that would do, and what they are worth. It is put in order when somebody asks for it. */
export class Ranking {
  readonly #nodes: readonly NodeInfo[];
  readonly #scores: ArrayLike<number>;
  readonly #random: () => number;
  /** Places of nodes, the best one last. */
  #order: number[] | undefined;
  #left: number;
  readonly #taken: number;

  /** @param taken place of the node that was chosen: it is none of the others */
  constructor(nodes: readonly NodeInfo[], scores: ArrayLike<number>, taken: number, random: () => number) {
    this.#nodes = nodes;
    this.#scores = scores;
    this.#taken = taken;
    this.#random = random;
    this.#left = nodes.length - 1;
  }

  get size(): number {
    return this.#left;
  }

  /** Takes the best of those that are left; of equals one by chance. */
  next(): string | undefined {
    this.#order ??= this.#ordered();
    const place = this.#order.pop();
    if (place === undefined) return undefined;
    this.#left--;
    return this.#nodes[place]!.name;
  }

  #ordered(): number[] {
    const chances = Float64Array.from(this.#nodes, this.#random);
    const places = Array.from(this.#nodes.keys()).filter((place) => place !== this.#taken);
    return places.sort((a, b) => this.#scores[a]! - this.#scores[b]! || chances[a]! - chances[b]!);
  }
}

interface Kept {
  readonly signature: string;
  readonly ranking: Ranking;
  readonly since: number;
}

/** Of one profile. */
export class Batch {
  readonly #profile: string;
  readonly #observer: BatchObserver;
  #kept: Kept | undefined;
  /** The pod that got a node last: its number, and the node. */
  #last = { number: -1, node: '' };

  constructor(profile: string, observer: BatchObserver) {
    this.#profile = profile;
    this.#observer = observer;
  }

  /**
   * The node that a pod is to get if it will do.
   * @param number of the pod, counted over all profiles
   * @param signature undefined for pods that are like no other
   */
  hint(cycle: Cycle, number: number, signature: string | undefined, node: NodeLookup): string | undefined {
    const { seconds } = this.#observer;
    const startedAt = seconds();
    let hint: string | undefined;
    if (this.#kept && this.#kept.ranking.size > 0) {
      const problem = this.#problem(this.#kept, cycle, number, signature, node);
      if (problem) this.#observer.batchFlushed(problem, this.#profile);
      else hint = this.#kept.ranking.next();
    }
    if (hint === undefined) this.#observer.batchAttempted('no_hint', this.#profile);
    this.#observer.hintSought(hint !== undefined, this.#profile, startedAt);
    return hint;
  }

  /**
   * A pod gets a node.
   * @param hint that it was given
   * @param others what would have done as well; undefined where nothing else was looked at
   */
  placed(
    number: number,
    signature: string | undefined,
    hint: string | undefined,
    node: string,
    others: Ranking | undefined,
  ): void {
    const { seconds } = this.#observer;
    const startedAt = seconds();
    this.#last = { number, node };
    if (hint === node) this.#observer.batchAttempted('hint_used', this.#profile);
    else {
      if (hint !== undefined) this.#observer.batchAttempted('hint_not_used', this.#profile);
      this.#keep(signature, others, startedAt);
    }
    this.#observer.rankingStored(this.#profile, startedAt);
  }

  #keep(signature: string | undefined, ranking: Ranking | undefined, since: number): void {
    this.#kept = signature !== undefined && ranking && ranking.size > 0 ? { signature, ranking, since } : undefined;
    if (this.#kept) return;
    const reason = ranking && ranking.size > 0 ? 'pod_not_batchable' : 'empty_list';
    this.#observer.batchFlushed(reason, this.#profile);
  }

  #problem(
    { signature: kept, since }: Kept,
    cycle: Cycle,
    number: number,
    signature: string | undefined,
    nodeOf: NodeLookup,
  ): Flush | undefined {
    // One that got no node, or another profile's, was in between.
    if (number !== this.#last.number + 1) return 'pod_skipped';
    if (signature !== kept) return 'pod_incompatible';
    if (this.#observer.seconds() - since > LONGEST) return 'expired';
    const node = nodeOf(this.#last.node);
    if (!node) return 'node_missing';
    return isFull(cycle, node) ? undefined : 'node_not_full';
  }
}

type NodeLookup = (name: string) => NodeInfo | undefined;

/** Where a filter breaks nobody knows. */
function isFull(cycle: Cycle, node: NodeInfo): boolean {
  try {
    return cycle.filterAlone(node) !== undefined;
  } catch {
    return false;
  }
}
