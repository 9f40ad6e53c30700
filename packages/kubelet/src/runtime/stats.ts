/** What pods use. Absent figures are not measured. Times are milliseconds since the epoch. */
import type { FilesystemUsage } from './images.ts';

export interface PodStats {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly cpu?: CpuUsage | undefined;
  readonly memory?: MemoryUsage | undefined;
  readonly network?: readonly NetworkUsage[] | undefined;
  readonly processes?: number | undefined;
  readonly containers: readonly ContainerStats[];
}

export interface ContainerStats {
  readonly id: string;
  readonly name: string;
  readonly cpu?: CpuUsage | undefined;
  readonly memory?: MemoryUsage | undefined;
  readonly swap?: { readonly at: number; readonly usedBytes: number; readonly availableBytes: number } | undefined;
  readonly writableLayer?: FilesystemUsage | undefined;
}

export interface CpuUsage {
  readonly at: number;
  /** Nanoseconds of all cores since the beginning. */
  readonly coreNanoseconds: number;
  /** Nanoseconds in each second, lately. */
  readonly nanoCores?: number | undefined;
}

export interface MemoryUsage {
  readonly at: number;
  readonly workingSetBytes: number;
  readonly availableBytes?: number | undefined;
  readonly usageBytes?: number | undefined;
  readonly rssBytes?: number | undefined;
  readonly pageFaults?: number | undefined;
  readonly majorPageFaults?: number | undefined;
}

/** The first is that of the default interface. */
export interface NetworkUsage {
  readonly at: number;
  readonly name: string;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly txBytes: number;
  readonly txErrors: number;
}
