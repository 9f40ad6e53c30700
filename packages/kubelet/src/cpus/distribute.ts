/**
 * As many CPUs of each of several nodes, where one has not enough (KEP-2902, pkg/kubelet/cm/cpumanager/cpu_assignment.go,
 * distributed).
 */
import type { Cpu } from '../topology/machine.ts';
import { orderedNodes, takeCpus, tooFew } from './choose.ts';
import type { CpuSet } from './set.ts';

/** Where CPUs come from: of each node an equal share, and of some of them one group more after the other. */
interface Spread {
  readonly nodes: readonly number[];
  readonly share: number;
  readonly more: readonly number[];
  /** How much what is left differs from node to node. */
  readonly imbalance: number;
}

/** @param group CPUs that are taken together, those of a core */
export function distributeCpus(machine: readonly Cpu[], available: CpuSet, count: number, group: number): CpuSet {
  if (count < 1) return new Set();
  if (count % group !== 0) return takeCpus(machine, available, count);
  if (count > available.size) throw tooFew(count, available);
  const nodes = orderedNodes(machine, available);
  const free = new Map(nodes.map((node) => [node, cpusOf(machine, available, node).length]));
  const spread = bestSpread(machine, free, count, group);
  if (!spread) return takeCpus(machine, available, count);
  const taken = new Set<number>();
  const take = (node: number, amount: number) => {
    const here = new Set(cpusOf(machine, available, node).filter((id) => !taken.has(id)));
    if (here.size >= amount) for (const id of takeCpus(machine, here, amount)) taken.add(id);
  };
  for (const node of spread.nodes) take(node, spread.share);
  while (taken.size < count) for (const node of spread.more) if (taken.size < count) take(node, group);
  return taken;
}

/** Over as few nodes as can be, and there the most even one. */
function bestSpread(
  machine: readonly Cpu[],
  free: ReadonlyMap<number, number>,
  count: number,
  group: number,
): Spread | undefined {
  const groupsPerNode = Math.ceil(Math.ceil(machine.length / group) / new Set(machine.map(({ node }) => node)).size);
  const wanted = Math.ceil(count / group);
  for (let size = Math.ceil(wanted / groupsPerNode); size <= Math.min(wanted, free.size); size++) {
    let best: Spread | undefined;
    for (const nodes of choices([...free.keys()], size)) {
      const found = spreadOver(nodes, free, count, group);
      if (found && (!best || found.imbalance < best.imbalance)) best = found;
      if (best?.imbalance === 0) break;
    }
    if (best) return best;
  }
  return undefined;
}

function spreadOver(
  nodes: readonly number[],
  free: ReadonlyMap<number, number>,
  count: number,
  group: number,
): Spread | undefined {
  const of = (node: number) => free.get(node)!;
  const groups = nodes.reduce((sum, node) => sum + Math.floor(of(node) / group), 0);
  const share = Math.floor(count / nodes.length / group) * group;
  if (groups * group < count || nodes.some((node) => of(node) < share)) return undefined;
  const left = new Map(Array.from(free, ([node, cpus]) => [node, nodes.includes(node) ? cpus - share : cpus]));
  const rest = count - share * nodes.length;
  if (rest === 0) return { nodes, share, more: [], imbalance: deviation(left.values()) };
  const able = nodes.filter((node) => left.get(node)! >= group);
  let best: Spread | undefined;
  for (let size = able.length; size >= 1; size--) {
    for (const more of choices(able, size)) {
      const after = handOut(left, more, rest, group);
      const imbalance = after && deviation(after.values());
      if (imbalance !== undefined && (!best || imbalance < best.imbalance)) best = { nodes, share, more, imbalance };
    }
  }
  return best;
}

/** What is left when each of the nodes has given a group, again and again; undefined where they have not enough. */
function handOut(left: ReadonlyMap<number, number>, nodes: readonly number[], count: number, group: number) {
  if (nodes.reduce((sum, node) => sum + Math.floor(left.get(node)! / group), 0) * group < count) return undefined;
  const after = new Map(left);
  for (let rest = count; rest > 0; ) {
    for (const node of nodes) {
      if (rest === 0 || after.get(node)! < group) continue;
      after.set(node, after.get(node)! - group);
      rest -= group;
    }
  }
  return after;
}

/** Rounded, so that what is hardly more even is as good. */
function deviation(numbers: Iterable<number>): number {
  const all = [...numbers];
  const round = (value: number) => Math.round(value * 1000) / 1000;
  const mean = round(all.reduce((sum, each) => sum + each, 0) / all.length);
  return round(Math.sqrt(all.reduce((sum, each) => sum + (each - mean) ** 2, 0) / all.length));
}

/** So many of the items, in their order. */
function* choices<T>(items: readonly T[], size: number, from = 0): Iterable<T[]> {
  if (size === 0) yield [];
  else {
    for (let at = from; at <= items.length - size; at++) {
      for (const rest of choices(items, size - 1, at + 1)) yield [items[at]!, ...rest];
    }
  }
}

function cpusOf(machine: readonly Cpu[], available: CpuSet, node: number): number[] {
  return machine.filter((cpu) => cpu.node === node && available.has(cpu.id)).map(({ id }) => id);
}
