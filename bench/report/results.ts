/** What a run found out: the form of `--json`. */
import type { RawLimits } from '../raw/limits.ts';
import type { Figure, Workload } from '../workloads/workload.ts';
import type { Machine } from './machine.ts';

export interface Results {
  readonly when: string;
  readonly machine: Machine;
  readonly load: string;
  readonly servers: readonly { readonly name: string; readonly version: string; readonly storage: string }[];
  readonly raw: RawLimits;
  readonly workloads: WorkloadResult[];
}

export interface WorkloadResult {
  readonly name: string;
  readonly what: string;
  readonly goal?: Workload['goal'];
  readonly figures: readonly FigureResult[];
  /** By server: of all rounds together. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** By server: the longest standstill of its event loop, where it has one. */
  readonly pauseMs: Readonly<Record<string, number>>;
  /** By server: an answer that was no 2xx, a watch that ended. It has no figures from there on, and the run fails. */
  readonly failures: Readonly<Record<string, string>>;
}

export interface FigureResult {
  readonly name: string;
  readonly unit: Figure['unit'];
  /** By server: one value for each round. */
  readonly values: Readonly<Record<string, readonly number[]>>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
