/** The memory of a node: containers get theirs from certain NUMA nodes when their pod is admitted (pkg/kubelet/cm/memorymanager). */
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { addResources, type ResourceTotals } from '@keelson/api/resources/list';
import { amountsOf } from '../resources/requests.ts';
import { ExclusiveManager, type ExclusiveManagerOptions } from '../topology/exclusive-manager.ts';
import type { NumaNode } from '../topology/machine.ts';
import { restoredFrom } from '../topology/remembered.ts';
import { formatMemoryState, MEMORY_STATE, parseMemoryState } from './checkpoint.ts';
import { type Block, MemoryState } from './state.ts';
import { isMemory, type ReservedMemory, StaticMemory } from './static.ts';
import { validateMemory } from './validate.ts';

/** What is kept of the memory of one node. */
export interface MemoryReservation {
  readonly numaNode: number;
  /** Amounts by type: `memory`, `hugepages-2Mi`. */
  readonly limits: Readonly<Record<string, string>>;
}

export interface MemorySettings {
  readonly policy: 'None' | 'Static';
  readonly reserved: readonly MemoryReservation[];
}

export interface MemoryManagerOptions extends ExclusiveManagerOptions {
  readonly settings: MemorySettings;
  readonly machine: readonly NumaNode[];
  /** Of each resource, kept from pods. */
  readonly kept: Readonly<Record<string, string>>;
  /** Of the kubelet. */
  readonly directory: string;
}

export class MemoryManager extends ExclusiveManager<StaticMemory> {
  private constructor({ settings, directory, ...options }: MemoryManagerOptions, state: MemoryState) {
    super(options, {
      resource: 'memory',
      policy: settings.policy === 'Static' ? new StaticMemory(state) : undefined,
      path: join(directory, MEMORY_STATE),
      text: () => formatMemoryState(settings.policy, state),
    });
  }

  /** With what a kubelet before has left. @throws Error where that does not fit the machine or the settings */
  static async start(options: MemoryManagerOptions): Promise<MemoryManager> {
    const { settings, machine, directory } = options;
    const { policy } = settings;
    const unused = policy === 'Static' ? StaticMemory.unused(machine, reservedOf(options)) : NOTHING;
    const found = await restoredFrom(join(directory, MEMORY_STATE), 'memory', (text) => parseMemoryState(text, policy));
    try {
      if (found && policy === 'Static') validateMemory(found, unused);
    } catch (error) {
      throw new Error(`start memory manager error: ${(error as Error).message}`, { cause: error });
    }
    const isNew = !found || (policy === 'Static' && found.nodes.size === 0);
    const manager = new MemoryManager(options, isNew ? unused : found);
    if (isNew) await manager.write();
    return manager;
  }

  /** A container is about to begin: what has ended before is given back. */
  begins(pod: Pod, container: string): void {
    if (this.policy?.begins(pod, container)) this.writeSoon();
  }

  /** The nodes that a container has its memory from; none where it is anywhere. */
  nodesOf(uid: string, container: string): number[] {
    return this.policy?.nodesOf(uid, container) ?? [];
  }

  blocksOf(uid: string, container: string): readonly Block[] {
    return this.policy?.state.of(uid, container) ?? [];
  }

  /** What containers can have of each node. */
  allocatable(): Block[] {
    return [...(this.policy?.state.nodes ?? [])].flatMap(([id, { tables }]) =>
      [...tables].flatMap(([type, { allocatable: size }]) => (size > 0 ? [{ nodes: [id], type, size }] : [])),
    );
  }
}

const NOTHING = new MemoryState(new Map());

/** What is kept on the nodes has to be what is kept of the machine. */
function reservedOf({ settings, machine, kept }: MemoryManagerOptions): ReservedMemory {
  const totals: ResourceTotals = new Map();
  for (const { numaNode, limits } of settings.reserved) {
    if (!machine.some(({ id }) => id === numaNode)) {
      const what = `references a NUMA node ${numaNode} that does not exist on this machine`;
      throw new Error(`the reserved memory configuration ${what}`);
    }
    addResources(totals, amountsOf(limits));
  }
  const of = new Map([...amountsOf(kept)].filter(([name]) => isMemory(name)));
  for (const type of new Set([...totals.keys(), ...of.keys()])) {
    const [onNodes, inAll] = [totals.get(type) ?? NONE, of.get(type) ?? NONE];
    if (onNodes.cmp(inAll) === 0) continue;
    const determined = `the value "${inAll}" determined by Node Allocatable feature`;
    throw new Error(`the total amount "${onNodes}" of type "${type}" is not equal to ${determined}`);
  }
  if ((totals.get('memory') ?? NONE).isZero()) {
    throw new Error('[memorymanager] you should specify the system reserved memory');
  }
  const bytes = (limits: MemoryReservation['limits']) =>
    new Map(Array.from(amountsOf(limits), ([type, amount]) => [type, Number(amount.value())]));
  return new Map(settings.reserved.map(({ numaNode, limits }) => [numaNode, bytes(limits)]));
}

const NONE = Quantity.of(0);
