/**
 * Gives containers of guaranteed pods their memory from certain NUMA nodes (pkg/kubelet/cm/memorymanager/policy_static.go). A node
 * gives either alone or always together with the same others.
 */
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { HUGE_PAGES, isHugePages } from '@keelson/api/resources/names';
import { hasPodLevelResources, isSidecar, qosClass, sumContainers } from '@keelson/api/resources/pod';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import { uidOf } from '../pods/spec.ts';
import type { ExclusivePolicy } from '../topology/exclusive-manager.ts';
import { countOf, type Hint, type Hints, hintsFor, idsIn, NO_HINTS, type Nodes, nodesOf } from '../topology/hints.ts';
import type { NumaNode } from '../topology/machine.ts';
import type { AllocationHow } from '../topology/manager.ts';
import { type Block, MemoryState, type MemoryTable, type NodeMemory } from './state.ts';

/** Bytes that are never a container's, by node and type. */
export type ReservedMemory = ReadonlyMap<number, ReadonlyMap<string, number>>;

type Wanted = ReadonlyMap<string, number>;

export class StaticMemory implements ExclusivePolicy {
  readonly state: MemoryState;

  constructor(state: MemoryState) {
    this.state = state;
  }

  /** Before anybody has any. */
  static unused(machine: readonly NumaNode[], reserved: ReservedMemory): MemoryState {
    return new MemoryState(new Map(machine.map((node) => [node.id, nodeMemory(node, reserved.get(node.id))])));
  }

  /** What a container is to have, by type. */
  wanted(pod: Pod, { resources }: Container): Wanted {
    // Containers of pods that ask as a whole have it from anywhere.
    if (qosClass(pod) !== 'Guaranteed' || hasPodLevelResources(pod.spec)) return new Map();
    const own = Object.entries(resources?.requests ?? {}).filter(([name]) => isMemory(name));
    return new Map(own.map(([name, text]) => [name, Number(Quantity.parse(text).value())]));
  }

  wants(pod: Pod, container: Container): boolean {
    return this.wanted(pod, container).size > 0;
  }

  hints(pod: Pod, container: Container): Hints {
    const wanted = this.wanted(pod, container);
    const held = this.state.of(uidOf(pod), container.name);
    return held ? again(held, wanted) : this.#hints(pod, container.name, wanted);
  }

  podHints(pod: Pod): Hints {
    const regular = new Set((pod.spec?.containers ?? []).flatMap((each) => [...this.wanted(pod, each).keys()]));
    const totals = sumContainers(pod.spec, (each) =>
      Array.from(this.wanted(pod, each), ([type, size]) => [type, Quantity.of(size)] as const),
    );
    const wanted = new Map(
      [...totals].filter(([type]) => regular.has(type)).map(([type, total]) => [type, Number(total.value())]),
    );
    const held = declaredContainers(pod.spec).map(({ name }) => this.state.of(uidOf(pod), name));
    const first = held.find((blocks) => blocks !== undefined);
    return first ? again(first, wanted) : this.#hints(pod, undefined, wanted);
  }

  /** @returns whether it was given any @throws Error why it cannot have it, in upstream's words */
  allocate(pod: Pod, container: Container, how: AllocationHow): boolean {
    const wanted = this.wanted(pod, container);
    const uid = uidOf(pod);
    if (wanted.size === 0 || this.state.of(uid, container.name)) return false;
    const nodes = idsIn(this.#nodesFor(pod, container.name, wanted, how));
    const isOther = (group: readonly number[]) => group.length === 1 || group.join() !== nodes.join();
    const used = nodes.map((id) => this.state.nodes.get(id)!).filter(({ assignments }) => assignments > 0);
    if (nodes.length > 1 && used.some(({ group }) => isOther(group))) {
      throw new Error('[memorymanager] preferred hint violates NUMA node allocation');
    }
    const blocks = Array.from(wanted, ([type, size]) => ({ nodes, type, size }));
    for (const block of blocks) {
      const free = this.#reusable(pod, container.name, block);
      this.state.take({ ...block, size: Math.max(0, block.size - free) });
    }
    this.#takeOver(pod, container.name, blocks);
    this.state.set(uid, container.name, blocks);
    return true;
  }

  /** Gives back what containers have that are no more. @returns whether there was any */
  release(isActive: (uid: string, container: string) => boolean): boolean {
    const ended = [...this.state.entries()].filter(({ uid, container }) => !isActive(uid, container));
    for (const { uid, container } of ended) this.state.release(uid, container);
    return ended.length > 0;
  }

  /** A container begins: init containers before it have ended. @returns whether they had any */
  begins(pod: Pod, container: string): boolean {
    const ended = new Set(initBefore(pod, container).map(({ name }) => name));
    return this.release((uid, name) => uid !== uidOf(pod) || !ended.has(name));
  }

  /** The nodes that a container has its memory from; none where it is anywhere. */
  nodesOf(uid: string, container: string): number[] {
    const blocks = this.state.of(uid, container) ?? [];
    return [...new Set(blocks.flatMap(({ nodes }) => nodes))].sort((a, b) => a - b);
  }

  #nodesFor(pod: Pod, container: string, wanted: Wanted, { nodes, preferred }: AllocationHow): Nodes {
    const hints = () => this.#hints(pod, container, wanted).get('memory') ?? [];
    let [chosen, isPreferred] = [nodes, preferred];
    if (chosen === undefined) {
      const best = bestOf(hints());
      if (!best) {
        const why = 'no NUMA nodes with enough memory is available';
        throw new Error(`[memorymanager] failed to get the default NUMA affinity, ${why}`);
      }
      if (!best.preferred && isPreferred) {
        throw new Error('[memorymanager] failed to find the default preferred hint');
      }
      [chosen, isPreferred] = [best.nodes!, best.preferred];
    }
    const ids = idsIn(chosen);
    if ([...wanted].every(([type, size]) => this.state.sum(ids, type, 'free') >= size)) return chosen;
    // What all that the container wants have in common may be less than what its memory needs.
    const best = bestOf(hints().filter((hint) => (hint.nodes! & chosen) === chosen));
    if (!best) throw new Error('[memorymanager] failed to find NUMA nodes to extend the current topology hint');
    if (!best.preferred && isPreferred) throw new Error('[memorymanager] failed to find the extended preferred hint');
    return best.nodes!;
  }

  /** The same for all types, as all come from the same nodes. */
  #hints(pod: Pod, container: string | undefined, wanted: Wanted): Hints {
    const has = (nodes: Nodes, figure: 'free' | 'allocatable') =>
      [...wanted].every(([type, size]) => {
        const block = { nodes: idsIn(nodes), type };
        const more = figure === 'free' && container !== undefined ? this.#reusable(pod, container, block) : 0;
        return this.state.sum(block.nodes, type, figure) + more >= size;
      });
    const hints = hintsFor({
      nodes: [...this.state.nodes.keys()].sort((a, b) => a - b),
      count: 1,
      all: (nodes) => (has(nodes, 'allocatable') ? 1 : 0),
      free: (nodes) => (has(nodes, 'allocatable') && this.#isGroup(idsIn(nodes)) && has(nodes, 'free') ? 1 : undefined),
    });
    // None at all means that it does not matter: that there is not enough is found out when it is given.
    return hints.length === 0 ? NO_HINTS : new Map([...wanted.keys()].map((type) => [type, hints]));
  }

  /** Whether those nodes may give together. */
  #isGroup(ids: readonly number[]): boolean {
    const nodes = ids.map((id) => this.state.nodes.get(id)!);
    if (nodes.length === 1) return nodes[0]!.group.length <= 1;
    return nodes.every(
      ({ assignments, group }) => assignments === 0 || (group.length > 1 && group.join() === ids.join()),
    );
  }

  /** What init containers before it have of those nodes, and nobody has taken over. */
  #reusable(pod: Pod, container: string, { nodes, type }: Pick<Block, 'nodes' | 'type'>): number {
    const blocks = initBefore(pod, container).flatMap(({ name }) => this.state.of(uidOf(pod), name) ?? []);
    const same = blocks.filter((block) => block.type === type && block.nodes.join() === nodes.join());
    return same.reduce((total, { size }) => total + size, 0);
  }

  /** Of all containers of the pod together no more is known than they have. */
  #takeOver(pod: Pod, container: string, blocks: readonly Block[]): void {
    for (const { nodes, type, size } of blocks) {
      let rest = size;
      for (const { name } of initBefore(pod, container)) {
        const own = this.state.of(uidOf(pod), name);
        if (!own) continue;
        const left = own.map((block) => {
          if (block.type !== type || block.nodes.join() !== nodes.join()) return block;
          const part = Math.min(rest, block.size);
          rest -= part;
          return { ...block, size: block.size - part };
        });
        this.state.set(uidOf(pod), name, left);
      }
    }
  }
}

/** What is held already, as a hint; where it is not what is wanted, nothing is said. */
function again(held: readonly Block[], wanted: Wanted): Hints {
  if (held.length !== wanted.size || held.some(({ type, size }) => wanted.get(type) !== size)) return NO_HINTS;
  return new Map(held.map(({ type, nodes }) => [type, [{ nodes: nodesOf(nodes), preferred: true }]]));
}

/** A preferred one of few nodes. */
function bestOf(hints: readonly Hint[]): Hint | undefined {
  return [...hints].sort(
    (a, b) =>
      Number(b.preferred) - Number(a.preferred) ||
      countOf(a.nodes!) - countOf(b.nodes!) ||
      (a.nodes! < b.nodes! ? -1 : 1),
  )[0];
}

/** Those that run once, and have ended before the container begins. */
function initBefore({ spec }: Pod, container: string): Container[] {
  const init = spec?.initContainers ?? [];
  const at = init.findIndex(({ name }) => name === container);
  return (at < 0 ? init : init.slice(0, at)).filter((each) => !isSidecar(each));
}

function nodeMemory(
  { id, memoryBytes, hugePages }: NumaNode,
  reserved: ReadonlyMap<string, number> = new Map(),
): NodeMemory {
  const table = (type: string, total: number, other = 0): readonly [string, MemoryTable] => {
    const systemReserved = reserved.get(type) ?? 0;
    const allocatable = total - systemReserved - other;
    return [type, { total, systemReserved, allocatable, taken: 0, free: allocatable }];
  };
  const pages = Array.from(
    hugePages,
    ([size, count]) => [`${HUGE_PAGES}${Quantity.of(size, 'BinarySI')}`, size * count] as const,
  );
  const inPages = pages.reduce((sum, [, bytes]) => sum + bytes, 0);
  const tables = [...pages.map(([type, bytes]) => table(type, bytes)), table('memory', memoryBytes, inPages)];
  return { assignments: 0, group: [id], tables: new Map(tables) };
}

export const isMemory = (name: string) => name === 'memory' || isHugePages(name);
