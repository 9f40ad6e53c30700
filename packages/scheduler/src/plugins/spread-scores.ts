/** How even nodes are that need not be even. */
import type { NodeInfo } from '../cache/node-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import { MAX_SCORE } from '../framework/plugin.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import { type Constraint, countsFor, HOSTNAME } from './spread-constraints.ts';

interface Part {
  /** By index of the node: the number of its domain, -1 without one. */
  readonly domainOf: Int32Array;
  /** Matching pods by number of the domain; where each node is one, by index of the node. */
  readonly counts: ArrayLike<number>;
  readonly isHostname: boolean;
  /** The more domains, the more a pod too many in one weighs. */
  readonly weight: number;
  readonly maxSkew: number;
}

export interface SpreadScores {
  /** Of each constraint. */
  readonly parts: readonly Part[];
  /** By index: nodes that lack a key. */
  readonly ignored: Uint8Array;
}

/** @param everyKey nodes that lack the key of a constraint are ignored */
export function spreadScores(
  pod: PodInfo,
  constraints: readonly Constraint[],
  feasible: readonly NodeInfo[],
  { nodes, counts }: Snapshot,
  everyKey: boolean,
): SpreadScores {
  const domains = constraints.map(({ topologyKey }) => counts.domains(topologyKey));
  const ignored = new Uint8Array(nodes.length);
  if (everyKey) for (const { of } of domains) for (let i = 0; i < of.length; i++) if (of[i]! < 0) ignored[i] = 1;
  const counted = feasible.filter(({ index }) => ignored[index] === 0);
  const parts = constraints.map((constraint, k): Part => {
    const { topologyKey, maxSkew } = constraint;
    const { of, size } = domains[k]!;
    const pods = counts.sums(constraint.counter);
    const isHostname = topologyKey === HOSTNAME;
    if (isHostname) {
      return { domainOf: of, counts: pods, isHostname, weight: Math.log(counted.length + 2), maxSkew };
    }
    const seen = new Uint8Array(size + 1);
    for (const { index } of counted) seen[of[index]! < 0 ? size : of[index]!] = 1;
    const sums = new Float64Array(size);
    for (let i = 0; i < nodes.length; i++) {
      const domain = of[i]!;
      if (pods[i] === 0 || domain < 0 || seen[domain] === 0 || ignored[i] === 1) continue;
      if (countsFor(constraint, pod, nodes[i]!.node!)) sums[domain]! += pods[i]!;
    }
    const different = seen.reduce((sum, each) => sum + each, 0);
    return { domainOf: of, counts: sums, isHostname, weight: Math.log(different + 2), maxSkew };
  });
  return { parts, ignored };
}

/** The more matching pods are in the node's domains, the higher. */
export function spreadScore({ index }: NodeInfo, { parts, ignored }: SpreadScores): number {
  if (ignored[index] === 1) return 0;
  let score = 0;
  for (let i = 0; i < parts.length; i++) {
    const { domainOf, counts, isHostname, weight, maxSkew } = parts[i]!;
    const domain = domainOf[index]!;
    if (domain >= 0) score += counts[isHostname ? index : domain]! * weight + (maxSkew - 1);
  }
  return Math.round(score);
}

export function normalizeSpread(scores: Float64Array, nodes: readonly NodeInfo[], { ignored }: SpreadScores): void {
  let [min, max] = [Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i < nodes.length; i++) {
    if (ignored[nodes[i]!.index] === 1) continue;
    if (scores[i]! < min) min = scores[i]!;
    if (scores[i]! > max) max = scores[i]!;
  }
  for (let i = 0; i < nodes.length; i++) {
    if (ignored[nodes[i]!.index] === 1) scores[i] = 0;
    else scores[i] = max === 0 ? MAX_SCORE : Math.trunc((MAX_SCORE * (max + min - scores[i]!)) / max);
  }
}
