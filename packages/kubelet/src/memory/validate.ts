/** Whether what is remembered of memory is of this machine (validateState in pkg/kubelet/cm/memorymanager/policy_static.go). */
import { MemoryState } from './state.ts';

/** @param unused the machine as it is, and nobody has any: what is remembered is given in it. @throws Error in upstream's words */
export function validateMemory(found: MemoryState, unused: MemoryState): void {
  const entries = [...found.entries()];
  if (found.nodes.size === 0) {
    if (entries.length === 0) return;
    throw new Error('[memorymanager] machine state can not be empty when it has memory assignments');
  }
  const expected = copyOf(unused);
  for (const { uid, container, blocks } of entries) {
    for (const block of blocks) {
      const failed = (what: string) =>
        new Error(`[memorymanager] (pod: ${uid}, container: ${container}) the memory assignment uses ${what}`);
      const nodes = block.nodes.map((id) => expected.nodes.get(id));
      if (nodes.includes(undefined)) throw failed('the NUMA that does not exist');
      if (nodes.some((node) => !node!.tables.has(block.type))) throw failed('memory resource that does not exist');
      expected.take(block);
    }
  }
  if (!isEqual(found, expected)) {
    throw new Error('[memorymanager] the expected machine state is different from the real one');
  }
}

/** From which nodes of a group memory is taken depends on the order in which it was: only sums count. */
function isEqual(a: MemoryState, b: MemoryState): boolean {
  if (a.nodes.size !== b.nodes.size) return false;
  return [...a.nodes].every(([id, node]) => {
    const other = b.nodes.get(id);
    if (!other || node.assignments !== other.assignments || inOrder(node.group) !== inOrder(other.group)) return false;
    if (node.tables.size !== other.tables.size) return false;
    return [...node.tables].every(([type, table]) => {
      const same = other.tables.get(type);
      const isOfMachine =
        table.total === same?.total &&
        table.systemReserved === same.systemReserved &&
        table.allocatable === same.allocatable;
      return (
        isOfMachine && FIGURES.every((figure) => a.sum(node.group, type, figure) === b.sum(node.group, type, figure))
      );
    });
  });
}

const FIGURES = ['free', 'taken'] as const;
const inOrder = (ids: readonly number[]) => [...ids].sort((x, y) => x - y).join();

function copyOf({ nodes }: MemoryState): MemoryState {
  const copies = Array.from(nodes, ([id, { assignments, group, tables }]) => {
    const own = Array.from(tables, ([type, table]) => [type, { ...table }] as const);
    return [id, { assignments, group, tables: new Map(own) }] as const;
  });
  return new MemoryState(new Map(copies));
}
