/** What pods use. Absent figures are not measured. Times are milliseconds since the epoch. */
import type { FilesystemUsage } from './images.ts';

export interface PodStats {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly cpu?: CpuUsage | undefined;
  readonly memory?: MemoryUsage | undefined;
  readonly io?: IoUsage | undefined;
  readonly network?: readonly NetworkUsage[] | undefined;
  readonly processes?: number | undefined;
  readonly containers: readonly ContainerStats[];
}

export interface ContainerStats {
  readonly id: string;
  readonly name: string;
  readonly cpu?: CpuUsage | undefined;
  readonly memory?: MemoryUsage | undefined;
  readonly io?: IoUsage | undefined;
  readonly swap?: SwapUsage | undefined;
  readonly writableLayer?: FilesystemUsage | undefined;
}

export interface CpuUsage {
  readonly at: number;
  /** Nanoseconds of all cores since the beginning. */
  readonly coreNanoseconds: number;
  /** Nanoseconds in each second, lately. */
  readonly nanoCores?: number | undefined;
  readonly pressure?: Pressure | undefined;
}

export interface MemoryUsage {
  readonly at: number;
  readonly workingSetBytes: number;
  readonly availableBytes?: number | undefined;
  readonly usageBytes?: number | undefined;
  readonly rssBytes?: number | undefined;
  readonly pageFaults?: number | undefined;
  readonly majorPageFaults?: number | undefined;
  readonly pressure?: Pressure | undefined;
}

export interface IoUsage {
  readonly at: number;
  readonly pressure?: Pressure | undefined;
}

/** How much was waited for a resource (pressure stall information of the kernel). */
export interface Pressure {
  /** At least one task waited. */
  readonly some: Stall;
  /** All that were not idle did. */
  readonly full: Stall;
}

export interface Stall {
  /** As the kernel counts: microseconds. */
  readonly total: number;
  /** Percent of the last ten seconds. */
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
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
