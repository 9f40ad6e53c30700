/** Whose memory is from where, on disk, in upstream's form and with its checksum (pkg/kubelet/cm/memorymanager/state/checkpoint.go). */
import { fnv32a } from '../pods/hash.ts';
import { type Block, MemoryState, type NodeMemory } from './state.ts';

export const MEMORY_STATE = 'memory_manager_state';

interface StoredTable {
  readonly total: number;
  readonly systemReserved: number;
  readonly allocatable: number;
  readonly reserved: number;
  readonly free: number;
}

interface StoredNode {
  readonly numberOfAssignments: number;
  readonly memoryMap: Readonly<Record<string, StoredTable>>;
  readonly cells: readonly number[];
}

interface StoredBlock {
  readonly numaAffinity: readonly number[];
  readonly type: string;
  readonly size: number;
}

type Entries = Readonly<Record<string, Readonly<Record<string, readonly StoredBlock[]>>>>;

interface Stored {
  readonly policyName: string;
  readonly machineState: Readonly<Record<string, StoredNode>>;
  readonly entries?: Entries;
  /** 0: nobody checks. */
  readonly checksum: number;
}

export function formatMemoryState(policyName: string, state: MemoryState): string {
  const machineState = sorted([...state.nodes].map(([id, node]) => [String(id), storedNode(node)]));
  const pods = Map.groupBy(state.entries(), ({ uid }) => uid);
  const entries = sorted(
    [...pods].map(([uid, containers]) => [
      uid,
      sorted(containers.map(({ container, blocks }) => [container, blocks.map(storedBlock)])),
    ]),
  );
  const checksum = checksumOf({ policyName, machineState, entries }, NAMES[0]);
  return JSON.stringify({ policyName, machineState, ...(pods.size > 0 ? { entries } : {}), checksum });
}

/** @throws Error where it is none, was changed, or is another policy's */
export function parseMemoryState(text: string, policy: string): MemoryState {
  const stored = JSON.parse(text) as Stored;
  if (stored.checksum !== 0 && NAMES.every((name) => checksumOf(stored, name) !== stored.checksum)) {
    throw new Error('checkpoint is corrupted');
  }
  if (stored.policyName !== policy) {
    const differs = `differs from state checkpoint policy ${JSON.stringify(stored.policyName)}`;
    throw new Error(`[memorymanager] configured policy ${JSON.stringify(policy)} ${differs}`);
  }
  const nodes = Object.entries(stored.machineState ?? {}).map(([id, node]) => [Number(id), nodeOf(node)] as const);
  const blocks = Object.entries(stored.entries ?? {}).map(
    ([uid, containers]) =>
      [uid, new Map(Object.entries(containers).map(([name, list]) => [name, list.map(blockOf)]))] as const,
  );
  return new MemoryState(new Map(nodes), blocks);
}

function storedNode({ assignments, group, tables }: NodeMemory): StoredNode {
  const memoryMap = sorted(
    Array.from(tables, ([type, { total, systemReserved, allocatable, taken: reserved, free }]) => [
      type,
      { total, systemReserved, allocatable, reserved, free },
    ]),
  );
  return { numberOfAssignments: assignments, memoryMap, cells: [...group].sort((a, b) => a - b) };
}

function nodeOf({ numberOfAssignments, memoryMap, cells }: StoredNode): NodeMemory {
  const tables = Object.entries(memoryMap ?? {}).map(
    ([type, { reserved: taken, ...table }]) => [type, { ...table, taken }] as const,
  );
  return { assignments: numberOfAssignments, group: cells ?? [], tables: new Map(tables) };
}

const storedBlock = ({ nodes, type, size }: Block): StoredBlock => ({ numaAffinity: nodes, type, size });
const blockOf = ({ numaAffinity: nodes, type, size }: StoredBlock): Block => ({ nodes, type, size });

/** That of before the format had versions, by which it is written, and its own. */
const NAMES = ['MemoryManagerCheckpoint', 'MemoryManagerCheckpointV1'] as const;

/** Of what Go's debug printer writes, with types. */
function checksumOf({ policyName, machineState, entries = {} }: Omit<Stored, 'checksum'>, name: string): number {
  const nodes = Object.entries(machineState).sort(([a], [b]) => Number(a) - Number(b));
  const machine = nodes.map(([id, node]) => `${id}:${nodeText(node)}`).join(' ');
  const pods = mapText(entries, (containers) =>
    mapText(containers, (blocks) => `[${blocks.map(blockText).join(' ')}]`),
  );
  const fields = [
    `PolicyName:(string)${policyName}`,
    `MachineState:(state.NUMANodeMap)map[${machine}]`,
    `Entries:(state.ContainerMemoryAssignments)${pods}`,
    'Checksum:(checksum.Checksum)0',
  ];
  return fnv32a(Buffer.from(`(*state.${name}){${fields.join(' ')}}`));
}

function nodeText({ numberOfAssignments, memoryMap, cells }: StoredNode): string {
  const tables = mapText(memoryMap, ({ total, systemReserved, allocatable, reserved, free }) => {
    const sizes = {
      TotalMemSize: total,
      SystemReserved: systemReserved,
      Allocatable: allocatable,
      Reserved: reserved,
      Free: free,
    };
    const fields = Object.entries(sizes).map(([field, size]) => `${field}:(uint64)${size}`);
    return `<*>{${fields.join(' ')}}`;
  });
  const map = `MemoryMap:(map[v1.ResourceName]*state.MemoryTable)${tables}`;
  return `<*>{NumberOfAssignments:(int)${numberOfAssignments} ${map} Cells:([]int)[${cells.join(' ')}]}`;
}

function blockText({ numaAffinity, type, size }: StoredBlock): string {
  return `{NUMAAffinity:([]int)[${numaAffinity.join(' ')}] Type:(v1.ResourceName)${type} Size:(uint64)${size}}`;
}

function mapText<T>(map: Readonly<Record<string, T>>, text: (value: T) => string): string {
  const entries = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, value]) => `${key}:${text(value)}`).join(' ')}]`;
}

function sorted<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}
