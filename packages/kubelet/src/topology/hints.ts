/** From which NUMA nodes something could come (pkg/kubelet/cm/topologymanager, bitmask). */

/** A set of nodes: the bit of each node's number is set. */
export type Nodes = bigint;

export interface Hint {
  /** Undefined: any will do. */
  readonly nodes: Nodes | undefined;
  /** No fewer nodes would do, were everything free. */
  readonly preferred: boolean;
}

/** By resource. Undefined: it may come from anywhere; none: there is not enough of it. */
export type Hints = ReadonlyMap<string, readonly Hint[] | undefined>;

export const NO_HINTS: Hints = new Map();

export function nodesOf(ids: Iterable<number>): Nodes {
  let nodes = 0n;
  for (const id of ids) nodes |= 1n << BigInt(id);
  return nodes;
}

export function includes(nodes: Nodes, id: number): boolean {
  return ((nodes >> BigInt(id)) & 1n) === 1n;
}

export function idsIn(nodes: Nodes): number[] {
  const ids: number[] = [];
  for (let [rest, id] = [nodes, 0]; rest > 0n; rest >>= 1n, id++) if ((rest & 1n) === 1n) ids.push(id);
  return ids;
}

/** How many they are. */
export function countOf(nodes: Nodes): number {
  let count = 0;
  for (let rest = nodes; rest > 0n; rest &= rest - 1n) count++;
  return count;
}

/** Sets of those nodes, smaller ones first; none is not among them. */
export function combinations(ids: readonly number[]): Nodes[] {
  const all = Array.from({ length: 2 ** ids.length - 1 }, (_, index) =>
    nodesOf(ids.filter((_, at) => ((index + 1) >> at) & 1)),
  );
  return all.sort((a, b) => countOf(a) - countOf(b) || (a < b ? -1 : 1));
}

export interface Supply {
  /** That have any of it. */
  readonly nodes: readonly number[];
  readonly count: number;
  /** How many there are on those nodes, whoever has them. */
  all(nodes: Nodes): number;
  /** How many of them are to be had; undefined where those nodes will not do. */
  free(nodes: Nodes): number | undefined;
}

/** Where so many could come from. */
export function hintsFor({ nodes, count, all, free }: Supply): Hint[] {
  const sets = combinations(nodes);
  const least = Math.min(nodes.length, ...sets.filter((each) => all(each) >= count).map(countOf));
  return sets
    .filter((each) => (free(each) ?? -1) >= count)
    .map((each) => ({ nodes: each, preferred: countOf(each) === least }));
}
