/** Which CPUs are taken together (pkg/kubelet/cm/cpumanager/cpu_assignment.go, packed). */
import type { Cpu } from '../topology/machine.ts';
import type { CpuSet } from './set.ts';

type Level = 'node' | 'socket' | 'core';

/**
 * Whole nodes and sockets as long as so many are wanted, then whole cores, then what is left of cores; each time those of which
 * least is free, so that what is whole stays so for others.
 * @param machine all CPUs @throws Error where there are not as many
 */
export function takeCpus(machine: readonly Cpu[], available: CpuSet, count: number): CpuSet {
  if (count < 1) return new Set();
  if (count > available.size) {
    const has = `requested=${count}, available=${available.size}`;
    throw new Error(`not enough cpus available to satisfy request: ${has}`);
  }
  const numberOf = (level: Level) => new Set(machine.map((cpu) => cpu[level])).size;
  // Nodes are above sockets where there are no more of them.
  const outer: Level[] = numberOf('socket') >= numberOf('node') ? ['node', 'socket'] : ['socket', 'node'];
  const taken = new Set<number>();
  const free = () => machine.filter(({ id }) => available.has(id) && !taken.has(id));
  for (const levels of [outer.slice(0, 1), outer, [...outer, 'core' as const]]) {
    const level = levels.at(-1)!;
    const average = Math.floor(machine.length / numberOf(level));
    for (const group of ordered(free(), levels)) {
      const whole = machine.filter((cpu) => cpu[level] === group[0]![level]);
      const isWhole = group.length === (level === 'node' ? whole.length : average);
      if (isWhole && whole.length <= count - taken.size) for (const { id } of whole) taken.add(id);
    }
  }
  const rest = ordered(free(), [...outer, 'core']).flat();
  for (const { id } of rest.slice(0, count - taken.size)) taken.add(id);
  return taken;
}

/** Groups of the last level, by those above it; of each level the smallest first. */
function ordered(cpus: readonly Cpu[], [level, ...below]: readonly Level[]): Cpu[][] {
  if (level === undefined) return [[...cpus]];
  const groups = [...Map.groupBy(cpus, (cpu) => cpu[level])];
  groups.sort(([a, left], [b, right]) => left.length - right.length || a - b);
  return groups.flatMap(([, group]) => (below.length === 0 ? [group] : ordered(group, below)));
}
