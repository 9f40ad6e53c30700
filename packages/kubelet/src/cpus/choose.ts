/** Which CPUs are taken together, as few parts of the machine as can be (pkg/kubelet/cm/cpumanager/cpu_assignment.go, packed). */
import type { Cpu } from '../topology/machine.ts';
import type { CpuSet } from './set.ts';

type Level = 'node' | 'socket' | 'cache' | 'core';

/**
 * Whole nodes and sockets as long as so many are wanted, then whole cores, then what is left of cores; each time those of which
 * least is free, so that what is whole stays so for others.
 * @param machine all CPUs
 * @param byCache before cores, those that share a cache
 * @throws Error where there are not as many
 */
export function takeCpus(machine: readonly Cpu[], available: CpuSet, count: number, byCache = false): CpuSet {
  if (count < 1) return new Set();
  if (count > available.size) throw tooFew(count, available);
  const outer = outerLevels(machine);
  const taking = new Taking(machine, available, count);
  taking.whole(outer.slice(0, 1));
  taking.whole(outer);
  if (byCache) taking.byCache(outer);
  taking.whole([...outer, 'core']);
  taking.take(
    taking
      .ordered([...outer, 'core'])
      .flat()
      .slice(0, taking.missing),
  );
  return taking.taken;
}

/** Why so many CPUs cannot be had, in upstream's words. */
export function tooFew(count: number, available: CpuSet): Error {
  return new Error(`not enough cpus available to satisfy request: requested=${count}, available=${available.size}`);
}

/** Nodes with any CPU that is free, in the order in which CPUs are taken from them. */
export function orderedNodes(machine: readonly Cpu[], available: CpuSet): number[] {
  const levels = outerLevels(machine);
  const taking = new Taking(machine, available, 0);
  return taking.ordered(levels.slice(0, levels.indexOf('node') + 1)).map(([first]) => first!.node);
}

/** Nodes are above sockets where there are no more of them. */
function outerLevels(machine: readonly Cpu[]): Level[] {
  return numberOf(machine, 'socket') >= numberOf(machine, 'node') ? ['node', 'socket'] : ['socket', 'node'];
}

function numberOf(machine: readonly Cpu[], level: Level): number {
  return new Set(machine.map((cpu) => cpu[level])).size;
}

class Taking {
  readonly taken = new Set<number>();
  readonly #machine: readonly Cpu[];
  readonly #available: CpuSet;
  readonly #count: number;

  constructor(machine: readonly Cpu[], available: CpuSet, count: number) {
    this.#machine = machine;
    this.#available = available;
    this.#count = count;
  }

  get missing(): number {
    return this.#count - this.taken.size;
  }

  take(cpus: Iterable<Cpu>): void {
    for (const { id } of cpus) this.taken.add(id);
  }

  /** What is free, in groups of the last level, by those above it; of each level the smallest first. */
  ordered(levels: readonly Level[]): Cpu[][] {
    return grouped(
      this.#machine.filter(({ id }) => this.#available.has(id) && !this.taken.has(id)),
      levels,
    );
  }

  /** Groups of which all is free, as long as all is wanted. */
  whole(levels: readonly Level[]): void {
    const level = levels.at(-1)!;
    const average = Math.floor(this.#machine.length / numberOf(this.#machine, level));
    for (const group of this.ordered(levels)) {
      const all = this.#machine.filter((cpu) => cpu[level] === group[0]![level]);
      const isWhole = group.length === (level === 'node' || level === 'cache' ? all.length : average);
      if (isWhole && all.length <= this.missing) this.take(all);
    }
  }

  /** Whole caches as long as so many are wanted, then cores of one in which the rest has room. */
  byCache(outer: readonly Level[]): void {
    const levels = [...outer.slice(0, outer.indexOf('node') + 1), 'cache' as const];
    const average = Math.floor(this.#machine.length / numberOf(this.#machine, 'cache'));
    const caches = this.ordered(levels).map(([first]) => first!.cache);
    for (const cache of caches) {
      if (this.missing >= average) this.whole(levels);
      if (this.missing > 0) this.#partOf(cache);
      if (this.missing === 0) return;
    }
  }

  #partOf(cache: number): void {
    const perCore = Math.floor(this.#machine.length / numberOf(this.#machine, 'core'));
    const free = this.#machine.filter(({ id }) => this.#available.has(id) && !this.taken.has(id));
    const cores = [...new Set(free.filter((cpu) => cpu.cache === cache).map(({ core }) => core))].sort((a, b) => a - b);
    const needed = new Set(cores.slice(0, Math.ceil(this.missing / perCore)));
    const found = free.filter(({ core }) => needed.has(core)).sort((a, b) => a.id - b.id);
    // Of an odd number the last thread of a core is left.
    const isOdd = this.missing % 2 !== 0 && perCore > 1 && found.length > this.missing;
    const taken = isOdd ? found.slice(0, -1) : found;
    if (taken.length === this.missing) this.take(taken);
  }
}

function grouped(cpus: readonly Cpu[], [level, ...below]: readonly Level[]): Cpu[][] {
  if (level === undefined) return [[...cpus]];
  const groups = [...Map.groupBy(cpus, (cpu) => cpu[level])];
  groups.sort(([a, left], [b, right]) => left.length - right.length || a - b);
  return groups.flatMap(([, group]) => (below.length === 0 ? [group] : grouped(group, below)));
}
