/** Machines for tests. */
import type { Cpu, NumaNode } from './machine.ts';

/** One socket, four cores of two threads. */
export const SINGLE: readonly Cpu[] = cpus(8, (id) => ({ core: id % 4, socket: 0, node: 0, cache: 0 }));

/** Two sockets, each a node of three cores of two threads; odd CPUs are on the second. */
export const DUAL: readonly Cpu[] = cpus(12, (id) => ({ core: id % 6, socket: id % 2, node: id % 2, cache: id % 2 }));

/** Two sockets, each of two nodes of ten cores of two threads; five cores share a cache. */
export const QUAD: readonly Cpu[] = cpus(80, (id) => {
  const node = Math.floor((id % 40) / 10);
  return { core: id % 40, socket: Math.floor(node / 2), node, cache: Math.floor((id % 40) / 5) };
});

function cpus(count: number, of: (id: number) => Omit<Cpu, 'id'>): Cpu[] {
  return Array.from({ length: count }, (_, id) => ({ id, ...of(id) }));
}

/** Nodes as far from each other as their numbers. */
export function numaOf(count: number, memoryBytes = 0): NumaNode[] {
  const ids = Array.from({ length: count }, (_, id) => id);
  return ids.map((id) => ({
    id,
    memoryBytes,
    hugePages: new Map(),
    distances: ids.map((other) => 10 + 10 * Math.abs(id - other)),
  }));
}
