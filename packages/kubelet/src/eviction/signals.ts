/** What a node can run out of, and how much of it there is (pkg/kubelet/eviction/api/types.go). */
import type { QuantityFormat } from '@keelson/api/quantity';
import type { Pressure } from '../node/description.ts';
import type { DiskUsage, Filesystem } from '../node/filesystem.ts';
import type { VolumeUsage } from '../volumes/manager.ts';

/** As messages name it; `inodes` and `pids` are no resources of the API. */
export type Starved = 'memory' | 'ephemeral-storage' | 'inodes' | 'pids';

interface SignalKind {
  readonly pressure: Pressure;
  readonly resource: Starved;
  readonly format: QuantityFormat;
}

const memory = { pressure: 'MemoryPressure', resource: 'memory', format: 'BinarySI' } as const;
const disk = { pressure: 'DiskPressure', resource: 'ephemeral-storage', format: 'BinarySI' } as const;
const inodes = { pressure: 'DiskPressure', resource: 'inodes', format: 'DecimalSI' } as const;

/** Those that may be configured. `containerfs` is wherever images or volumes are: its own thresholds count for nothing. */
export const SIGNALS = {
  'memory.available': memory,
  'nodefs.available': disk,
  'nodefs.inodesFree': inodes,
  'imagefs.available': disk,
  'imagefs.inodesFree': inodes,
  'containerfs.available': disk,
  'containerfs.inodesFree': inodes,
  'allocatableMemory.available': memory,
  'pid.available': { pressure: 'PIDPressure', resource: 'pids', format: 'DecimalSI' },
} as const satisfies Readonly<Record<string, SignalKind>>;

export type Signal = keyof typeof SIGNALS;

export const isSignal = (text: string): text is Signal => text in SIGNALS;

/** What a machine and its pods use at one moment. What cannot be found out is left out. */
export interface Figures {
  readonly memory?: MemoryFigures | undefined;
  /** Of what all pods together may have; undefined where they may have all there is. */
  readonly podsMemory?: MemoryFigures | undefined;
  /** Of volumes, logs and whatever else the kubelet keeps. */
  readonly nodefs?: Filesystem | undefined;
  readonly imagefs?: Filesystem | undefined;
  readonly processes?: { readonly running: number; readonly max: number } | undefined;
  /** By uid. */
  readonly pods: ReadonlyMap<string, PodUsage>;
}

export interface MemoryFigures {
  readonly availableBytes: number;
  readonly capacityBytes: number;
}

export interface PodUsage {
  readonly memoryBytes?: number | undefined;
  readonly processes?: number | undefined;
  readonly containers: readonly ContainerUsage[];
  /** Of what is on the node's own disk, and of empty directories in memory. By name. */
  readonly volumes: ReadonlyMap<string, DiskUsage>;
  /** Of volumes that have a file system of their own. By name. */
  readonly own: ReadonlyMap<string, VolumeUsage>;
  /** Of containers, logs and local volumes together. */
  readonly storage: DiskUsage;
}

export interface ContainerUsage {
  readonly name: string;
  readonly memoryBytes?: number | undefined;
  /** What it has written beside its volumes. */
  readonly layer?: DiskUsage | undefined;
  readonly logs?: DiskUsage | undefined;
}

/** How much is left of how much. */
export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

export type Observations = ReadonlyMap<Signal, Observation>;

/** By signal, what there are figures for. */
export function observationsOf({ memory, podsMemory, nodefs, imagefs, processes }: Figures): Observations {
  const found = new Map<Signal, Observation>();
  if (memory) found.set('memory.available', { available: memory.availableBytes, capacity: memory.capacityBytes });
  if (podsMemory) {
    const { availableBytes: available, capacityBytes: capacity } = podsMemory;
    found.set('allocatableMemory.available', { available, capacity });
  }
  for (const [name, fs] of [['nodefs', nodefs] as const, ['imagefs', imagefs] as const]) {
    if (!fs) continue;
    found.set(`${name}.available`, { available: fs.availableBytes, capacity: fs.capacityBytes });
    found.set(`${name}.inodesFree`, { available: fs.inodesFree, capacity: fs.inodes });
  }
  if (processes) {
    found.set('pid.available', { available: processes.max - processes.running, capacity: processes.max });
  }
  return found;
}

/** Whether images and what containers write have a disk of their own. */
export function hasOwnImageDisk({ nodefs, imagefs }: Figures): boolean {
  return nodefs !== undefined && imagefs !== undefined && nodefs.device !== imagefs.device;
}
