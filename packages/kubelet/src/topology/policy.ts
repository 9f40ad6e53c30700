/** On which NUMA nodes all that a container wants can be had together (pkg/kubelet/cm/topologymanager/policy.go). */
import { countOf, type Hint, type Hints, idsIn, type Nodes, nodesOf } from './hints.ts';
import type { NumaNode } from './machine.ts';

export const POLICIES = ['none', 'best-effort', 'restricted', 'single-numa-node'] as const;
export type TopologyPolicy = (typeof POLICIES)[number];

export interface PolicyOptions {
  readonly policy: TopologyPolicy;
  /** Of as many nodes, those that are nearer to each other. */
  readonly preferClosest: boolean;
}

export interface Affinity {
  /** Undefined: any will do. */
  readonly nodes: Nodes | undefined;
  /** No fewer nodes would do. */
  readonly preferred: boolean;
  /** Whether whoever wants it may come in. */
  readonly admitted: boolean;
}

const ANY: Hint = { nodes: undefined, preferred: true };
const NOWHERE: Hint = { nodes: undefined, preferred: false };

/** @param provided what each who gives something says of it */
export function affinityOf(
  provided: readonly Hints[],
  numa: readonly NumaNode[],
  { policy, preferClosest }: PolicyOptions,
): Affinity {
  if (policy === 'none') return { nodes: undefined, preferred: false, admitted: true };
  const lists = provided.flatMap(listsOf);
  const isSingle = policy === 'single-numa-node';
  const best = merge(isSingle ? lists.map(singleNodes) : lists, numa, preferClosest && !isSingle);
  const isAnywhere = isSingle && best.nodes === allOf(numa);
  const { preferred } = best;
  return { nodes: isAnywhere ? undefined : best.nodes, preferred, admitted: policy === 'best-effort' || preferred };
}

function listsOf(hints: Hints): (readonly Hint[])[] {
  if (hints.size === 0) return [[ANY]];
  return Array.from(hints.values(), (list) => (list === undefined ? [ANY] : list.length === 0 ? [NOWHERE] : list));
}

function singleNodes(list: readonly Hint[]): Hint[] {
  return list.filter(({ nodes, preferred }) => preferred && (nodes === undefined || countOf(nodes) === 1));
}

const allOf = (numa: readonly NumaNode[]) => nodesOf(numa.map(({ id }) => id));

/**
 * One of each list together means the nodes that all of them have in common. What matters of them is only that, and whether all
 * are preferred and the same: so that lists are taken one after the other, and never all combinations of their hints.
 */
function merge(lists: readonly (readonly Hint[])[], numa: readonly NumaNode[], closest: boolean): Hint {
  const all = allOf(numa);
  const isLess = comparer(numa, closest);
  const preferred = leastOf(agreed(lists, all), isLess);
  if (preferred !== undefined) return { nodes: preferred, preferred: true };
  let common = new Set([all]);
  for (const list of lists) {
    const next = new Set<Nodes>();
    for (const nodes of common) for (const hint of list) next.add(nodes & (hint.nodes ?? all));
    common = next;
  }
  common.delete(0n);
  const wanted = Math.max(0, ...lists.map(leastCount));
  // As many nodes as who needs most of them needs; else fewer, but not many fewer; else more.
  const distance = (nodes: Nodes) => {
    const count = countOf(nodes);
    return count <= wanted ? wanted - count : wanted + count;
  };
  const best = leastOf(
    common,
    (a, b) => distance(a) - distance(b) < 0 || (distance(a) === distance(b) && isLess(a, b)),
  );
  return { nodes: best ?? all, preferred: false };
}

/** Nodes that each list prefers. */
function agreed(lists: readonly (readonly Hint[])[], all: Nodes): Set<Nodes> {
  const preferred = lists.map((list) => list.filter((hint) => hint.preferred).map(({ nodes }) => nodes));
  const particular = preferred.flat().filter((nodes) => nodes !== undefined);
  const candidates = preferred.every((list) => list.includes(undefined)) ? [...particular, all] : particular;
  const isAgreed = (nodes: Nodes) => preferred.every((list) => list.includes(nodes) || list.includes(undefined));
  return new Set(candidates.filter((nodes) => nodes > 0n && isAgreed(nodes)));
}

function leastCount(list: readonly Hint[]): number {
  const counts = list.flatMap(({ nodes }) => (nodes === undefined ? [] : [countOf(nodes)]));
  return counts.length > 0 ? Math.min(...counts) : 0;
}

function leastOf(sets: Iterable<Nodes>, isLess: (a: Nodes, b: Nodes) => boolean): Nodes | undefined {
  let best: Nodes | undefined;
  for (const each of sets) if (best === undefined || isLess(each, best)) best = each;
  return best;
}

/** Fewer nodes come first; of as many, nearer ones, if that is asked for; then those with lower numbers. */
function comparer(numa: readonly NumaNode[], closest: boolean): (a: Nodes, b: Nodes) => boolean {
  const spread = (nodes: Nodes) => {
    const ids = idsIn(nodes);
    const between = ids.flatMap((from) => {
      const distances = numa.find(({ id }) => id === from)?.distances ?? [];
      return ids.map((to) => distances[to] ?? 0);
    });
    return between.reduce((sum, each) => sum + each, 0) / between.length;
  };
  return (a, b) => {
    const byCount = countOf(a) - countOf(b);
    if (byCount !== 0) return byCount < 0;
    const bySpread = closest ? spread(a) - spread(b) : 0;
    return bySpread === 0 ? a < b : bySpread < 0;
  };
}
