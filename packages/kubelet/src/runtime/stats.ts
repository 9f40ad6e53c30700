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
  readonly swap?: SwapUsage | undefined;
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

export interface SwapUsage {
  readonly at: number;
  readonly usedBytes?: number | undefined;
  /** What it may have yet. */
  readonly availableBytes?: number | undefined;
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

/** Of all its containers together; undefined where that is not known of any. */
export function swapOf({ containers }: PodStats): SwapUsage | undefined {
  const known = containers.flatMap(({ swap }) => swap ?? []);
  const last = known.at(-1);
  if (!last) return undefined;
  const sum = (pick: (each: SwapUsage) => number | undefined) =>
    known.reduce((total, each) => total + (pick(each) ?? 0), 0);
  return {
    at: last.at,
    usedBytes: sum(({ usedBytes }) => usedBytes),
    availableBytes: sum(({ availableBytes }) => availableBytes),
  };
}
