/** How even nodes are that need not be even. */
import type { NodeInfo } from '../cache/node-info.ts';
import { MAX_SCORE } from '../framework/plugin.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import { type Constraint, countsFor, HOSTNAME, hasAllKeys, matchingPods } from './spread-constraints.ts';

export interface SpreadScores {
  readonly constraints: readonly Constraint[];
  /** Of each constraint: matching pods by domain; only domains of nodes that will do. Not used for single nodes. */
  readonly domains: readonly Map<string, number>[];
  /** Of each constraint: the more domains, the more a pod too many in one weighs. */
  readonly weights: readonly number[];
  /** Names of nodes that lack a key. */
  readonly ignored: ReadonlySet<string>;
}

/** @param everyKey nodes that lack the key of a constraint are ignored */
export function spreadScores(
  pod: PodInfo,
  constraints: readonly Constraint[],
  feasible: readonly NodeInfo[],
  nodes: readonly NodeInfo[],
  everyKey: boolean,
): SpreadScores {
  const domains = constraints.map(() => new Map<string, number>());
  const ignored = new Set<string>();
  for (const { name, node } of feasible) {
    if (everyKey && !hasAllKeys(node!, constraints)) {
      ignored.add(name);
      continue;
    }
    for (const [i, { topologyKey }] of constraints.entries()) {
      if (topologyKey !== HOSTNAME) domains[i]!.set(node!.metadata.labels?.[topologyKey] ?? '', 0);
    }
  }
  const weights = constraints.map(({ topologyKey }, i) => {
    const size = topologyKey === HOSTNAME ? feasible.length - ignored.size : domains[i]!.size;
    return Math.log(size + 2);
  });
  for (const node of nodes) {
    if (everyKey && !hasAllKeys(node.node!, constraints)) continue;
    for (const [i, constraint] of constraints.entries()) {
      const domain = node.node!.metadata.labels?.[constraint.topologyKey] ?? '';
      const before = domains[i]!.get(domain);
      if (before === undefined || !countsFor(constraint, pod, node.node!)) continue;
      domains[i]!.set(domain, before + matchingPods(node, constraint, pod.namespace));
    }
  }
  return { constraints, domains, weights, ignored };
}

/** The more matching pods are in the node's domains, the higher. */
export function spreadScore({ namespace }: PodInfo, node: NodeInfo, scores: SpreadScores): number {
  if (scores.ignored.has(node.name)) return 0;
  const labels = node.node!.metadata.labels ?? {};
  let score = 0;
  for (const [i, constraint] of scores.constraints.entries()) {
    const domain = labels[constraint.topologyKey];
    if (domain === undefined) continue;
    const single = constraint.topologyKey === HOSTNAME;
    const count = single ? matchingPods(node, constraint, namespace) : scores.domains[i]!.get(domain)!;
    score += count * scores.weights[i]! + (constraint.maxSkew - 1);
  }
  return Math.round(score);
}

export function normalizeSpread(scores: Float64Array, nodes: readonly NodeInfo[], { ignored }: SpreadScores): void {
  let [min, max] = [Number.POSITIVE_INFINITY, 0];
  for (const [i, { name }] of nodes.entries()) {
    if (ignored.has(name)) continue;
    if (scores[i]! < min) min = scores[i]!;
    if (scores[i]! > max) max = scores[i]!;
  }
  for (const [i, { name }] of nodes.entries()) {
    if (ignored.has(name)) scores[i] = 0;
    else scores[i] = max === 0 ? MAX_SCORE : Math.trunc((MAX_SCORE * (max + min - scores[i]!)) / max);
  }
}
