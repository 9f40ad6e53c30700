/** Which memory of which NUMA nodes is whose (pkg/kubelet/cm/memorymanager/state). Sizes are bytes. */

/** So much of a type of memory, `memory` or `hugepages-2Mi`, from those nodes together. */
export interface Block {
  readonly nodes: readonly number[];
  readonly type: string;
  readonly size: number;
}

/** Of one type on one node. */
export interface MemoryTable {
  readonly total: number;
  /** Never a container's. */
  readonly systemReserved: number;
  readonly allocatable: number;
  taken: number;
  free: number;
}

export interface NodeMemory {
  /** Blocks that are of it, or of it with others. */
  assignments: number;
  /** With which nodes it gives memory: itself, or a group that gives together. */
  group: readonly number[];
  readonly tables: ReadonlyMap<string, MemoryTable>;
}

export class MemoryState {
  /** By number. */
  readonly nodes: ReadonlyMap<number, NodeMemory>;
  /** By pod's uid and container's name. */
  readonly #blocks: Map<string, Map<string, readonly Block[]>>;

  constructor(
    nodes: ReadonlyMap<number, NodeMemory>,
    blocks: Iterable<readonly [uid: string, containers: Map<string, readonly Block[]>]> = [],
  ) {
    this.nodes = nodes;
    this.#blocks = new Map(blocks);
  }

  of(uid: string, container: string): readonly Block[] | undefined {
    return this.#blocks.get(uid)?.get(container);
  }

  /** What is known of it from now on; nodes are not asked for it. */
  set(uid: string, container: string, blocks: readonly Block[]): void {
    const containers = this.#blocks.get(uid) ?? new Map<string, readonly Block[]>();
    this.#blocks.set(uid, containers.set(container, blocks));
  }

  *entries(): Iterable<{ readonly uid: string; readonly container: string; readonly blocks: readonly Block[] }> {
    for (const [uid, containers] of this.#blocks) {
      for (const [container, blocks] of containers) yield { uid, container, blocks };
    }
  }

  /** Of the first nodes as much as they have, of the next the rest. Each of them belongs to the group, though nothing may be left to take. */
  take({ nodes, type, size }: Block): void {
    let rest = size;
    for (const node of this.#nodesOf(nodes)) {
      node.assignments += 1;
      node.group = nodes;
      const table = node.tables.get(type);
      const part = Math.min(rest, table?.free ?? 0);
      if (table) [table.free, table.taken] = [table.free - part, table.taken + part];
      rest -= part;
    }
  }

  /** The container has it no more. */
  release(uid: string, container: string): void {
    const containers = this.#blocks.get(uid);
    for (const { nodes, type, size } of containers?.get(container) ?? []) {
      let rest = size;
      for (const [index, node] of this.#nodesOf(nodes).entries()) {
        node.assignments -= 1;
        if (node.assignments === 0) node.group = [nodes[index]!];
        const table = node.tables.get(type);
        const part = Math.min(rest, table?.taken ?? 0);
        if (table) [table.free, table.taken] = [table.free + part, table.taken - part];
        rest -= part;
      }
    }
    containers?.delete(container);
    if (containers?.size === 0) this.#blocks.delete(uid);
  }

  /** Of those nodes together. */
  sum(nodes: readonly number[], type: string, figure: 'free' | 'taken' | 'allocatable'): number {
    return this.#nodesOf(nodes).reduce((total, { tables }) => total + (tables.get(type)?.[figure] ?? 0), 0);
  }

  #nodesOf(ids: readonly number[]): NodeMemory[] {
    return ids.map((id) => this.nodes.get(id)).filter((node) => node !== undefined);
  }
}
